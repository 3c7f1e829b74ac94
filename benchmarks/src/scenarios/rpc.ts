import { once } from 'node:events';
import { MessageChannel, Worker } from 'node:worker_threads';
import { Bench } from 'tinybench';
import { connect } from '../../../dist/src/threads/endpoint.js';
import type { Figure } from '../figure.js';
import type { Echo } from '../processes/echo.worker.js';
import type { Scenario } from '../scenario.js';

const callsInFlight = 100;
const storages = 1000;

/** The cost of a call to the other thread: by hand, by comlink, and of a sweep. */
export const rpc: Scenario = {
  name: 'rpc',
  title: 'Calls between the threads',
  about:
    'Time of an empty call from one thread to the other and back: over a bare port, over comlink, with ' +
    `${callsInFlight} in flight, and of a sweep, which is numbers over the port (here with an answer), of one storage and of ${storages.toLocaleString('en-US')}.`,
  async run({ quick, progress }) {
    progress('five kinds of call');
    const worker = new Worker(new URL('../processes/echo.worker.js', import.meta.url));
    const [raw, served] = [new MessageChannel(), new MessageChannel()];
    worker.postMessage({ raw: raw.port2, served: served.port2 }, [raw.port2, served.port2]);
    let answered = () => {};
    const echo = connect<Echo>(served.port1, {}, () => answered());
    const sweep = (ids: Uint32Array) =>
      new Promise<void>((resolve) => {
        answered = resolve;
        echo.send(ids);
      });
    const one = Uint32Array.of(1);
    const many = Uint32Array.from({ length: storages }, (_, id) => id);

    const bench = new Bench({ time: quick ? 200 : 2000 });
    bench
      .add('raw', async () => {
        raw.port1.postMessage(one);
        await once(raw.port1, 'message');
      })
      .add('call', async () => {
        await echo.remote.count(one);
      })
      .add('calls in flight', async () => {
        await Promise.all(Array.from({ length: callsInFlight }, () => echo.remote.count(one)));
      })
      .add('sweep', async () => {
        await sweep(one);
      })
      .add('sweep of many', async () => {
        await sweep(many);
      });
    await bench.run();
    await worker.terminate();

    // The median: on a shared machine, other processes determine the mean.
    const medianUs = (name: string) => {
      const result = bench.getTask(name)?.result;
      if (result === undefined || !('latency' in result)) throw new Error(`${name} was not measured`);
      return result.latency.p50 * 1000;
    };
    const baseline = { subject: 'bare port', value: medianUs('raw') };
    return [
      { subject: 'bare port', of: 'one message each way', value: baseline.value, unit: 'µs' },
      { subject: 'comlink', of: 'one call', value: medianUs('call'), unit: 'µs', baseline },
      {
        subject: 'comlink',
        of: `a call, ${callsInFlight} in flight`,
        value: medianUs('calls in flight') / callsInFlight,
        unit: 'µs',
        baseline,
      },
      { subject: 'sweep', of: 'one call', value: medianUs('sweep'), unit: 'µs', baseline },
      {
        subject: 'sweep',
        of: `a storage of ${storages}`,
        value: medianUs('sweep of many') / storages,
        unit: 'µs',
        baseline,
        target: { on: 'value', atMost: 1 },
      },
    ] satisfies Figure[];
  },
};
