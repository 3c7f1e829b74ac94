import { once } from 'node:events';
import { MessageChannel, Worker } from 'node:worker_threads';
import { Bench } from 'tinybench';
import { connect } from '../src/rpc/endpoint.js';
import type { Figure, Scenario } from './figure.js';

/** What the thread at the other end serves. */
export interface Echo {
  sweep(ids: Uint32Array): number;
}

const calls = 100;
const storages = 1000;

/** What a call to the other thread costs: by hand, by comlink, and by comlink for many storages at once. */
export const rpc: Scenario = {
  name: 'rpc',
  about: 'Calls between the two threads: raw port, one call, one call for many',
  async run({ quick }) {
    const worker = new Worker(new URL('./echo.worker.js', import.meta.url));
    const [raw, served] = [new MessageChannel(), new MessageChannel()];
    worker.postMessage({ raw: raw.port2, served: served.port2 }, [raw.port2, served.port2]);
    const echo = connect<Echo>(served.port1, {});
    const one = Uint32Array.of(1);
    const many = Uint32Array.from({ length: storages }, (_, id) => id);

    const bench = new Bench({ time: quick ? 200 : 1000 });
    bench
      .add('raw', async () => {
        raw.port1.postMessage(one);
        await once(raw.port1, 'message');
      })
      .add('call', async () => {
        await echo.remote.sweep(one);
      })
      .add('calls in flight', async () => {
        await Promise.all(Array.from({ length: calls }, () => echo.remote.sweep(one)));
      })
      .add('call for many', async () => {
        await echo.remote.sweep(many);
      });
    await bench.run();
    await worker.terminate();

    // The median: on a shared machine the mean is the neighbours' doing.
    const medianUs = (name: string) => {
      const result = bench.getTask(name)?.result;
      if (result === undefined || !('latency' in result)) throw new Error(`${name} was not measured`);
      return result.latency.p50 * 1000;
    };
    const baseline = { what: 'raw port', value: medianUs('raw') };
    return [
      { what: 'raw port, one message each way', value: baseline.value, unit: 'us' },
      { what: 'comlink, one call', value: medianUs('call'), unit: 'us', baseline },
      {
        what: `comlink, one call of ${calls} in flight`,
        value: medianUs('calls in flight') / calls,
        unit: 'us',
        baseline,
      },
      {
        what: `comlink, one call for ${storages} storages, a storage`,
        value: medianUs('call for many') / storages,
        unit: 'us',
        baseline,
      },
    ] satisfies Figure[];
  },
};
