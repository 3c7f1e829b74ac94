import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MessageChannel, Worker } from 'node:worker_threads';
import { connect } from '#src/threads/endpoint.js';
import { runHost } from '../hosts/run-host.js';
import type { Peer } from './workers/peer.js';

/** One end here, the other in a thread. */
function connectThread(t: TestContext) {
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(new URL('./workers/peer.js', import.meta.url), {
    workerData: port2,
    transferList: [port2],
  });
  t.after(() => worker.terminate());
  const endpoint = connect<Peer>(port1, { double: (value: number) => 2 * value });
  return { ...endpoint, worker };
}

/** Both ends in this thread. */
function connectHere() {
  const { port1, port2 } = new MessageChannel();
  const left = connect<{ name(): string }>(port1, { name: () => 'left' });
  const right = connect<{ name(): string }>(port2, { name: () => 'right' });
  return { left, right };
}

describe('An endpoint', { timeout: 60_000 }, () => {
  it('carries calls in both directions over one port', async (t) => {
    const { remote } = connectThread(t);
    assert.equal(await remote.doubledByYou(21), 42);
    assert.equal(await remote.sum(Uint32Array.of(1, 2, 3)), 6);
  });

  it('answers each of many concurrent calls with its own result', async (t) => {
    const { remote } = connectThread(t);
    const values = Array.from({ length: 200 }, (_, value) => value);
    const doubled = await Promise.all(values.map((value) => remote.doubledByYou(value)));
    assert.deepEqual(
      doubled,
      values.map((value) => 2 * value),
    );
  });

  it('rejects with the name, message and stack of the other side’s error', async (t) => {
    const { remote } = connectThread(t);
    for (const [call, message] of [
      [remote.fail(), 'too far'],
      [remote.failLater(), 'too late'],
    ] as const) {
      await assert.rejects(call, (error: Error) => {
        assert.deepEqual([error.name, error.message], ['RangeError', message]);
        assert.match(String(error.stack), /peer\.js/);
        return true;
      });
    }
  });

  it('keeps the cause of an error passed as an argument', async (t) => {
    const { remote } = connectThread(t);
    const error = new Error('outer', { cause: 'inner' });
    assert.deepEqual(await remote.describe(error), { message: 'outer', cause: 'inner' });
  });

  for (const how of ['hangUp', 'exit'] as const) {
    it(`is closed and throws once the other side does ${how}`, async (t) => {
      const { remote, closed } = connectThread(t);
      void remote[how]();
      await closed;
      assert.throws(() => remote.sum(Uint32Array.of(1)));
    });
  }

  it('is closed when the other side is terminated during a call', async (t) => {
    const { remote, closed, worker } = connectThread(t);
    await remote.sum(Uint32Array.of());
    void remote.sum(Uint32Array.of(1));
    await worker.terminate();
    await closed;
  });

  it('is closed on both sides when one side closes it', async () => {
    const { left, right } = connectHere();
    assert.equal(await left.remote.name(), 'right');
    right.close();
    await Promise.all([left.closed, right.closed]);
  });

  it('stays open while unreferenced, and leaks nothing after it is closed', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const { right, served } = (() => {
      const { port1, port2 } = new MessageChannel();
      // It refers to its own endpoint, as the agent does.
      const local = { name: () => 'left', end: undefined as unknown };
      local.end = connect(port1, local);
      return { right: connect<typeof local>(port2, {}), served: new WeakRef(local) };
    })();
    const collect = async () => {
      for (let turns = 0; turns < 10; turns++) {
        await new Promise(setImmediate);
        collectGarbage();
      }
    };
    await collect();
    // Without the reference comlink would have closed the port by now.
    assert.equal(await right.remote.name(), 'left');
    right.close();
    await right.closed;
    const deadlineMs = performance.now() + 10_000;
    while (served.deref() !== undefined && performance.now() < deadlineMs) await collect();
    assert.equal(served.deref(), undefined);
  });

  it('does not hold its process once its port is unref’d', async () => {
    const { code, stdout, stderr } = await runHost('has-an-endpoint');
    assert.equal(code, 0, stderr);
    assert.equal(stdout, 'connected\n');
  });

  // As a MessageEvent would from Node 22 on.
  it('does not make the called thread load all of undici', async (t) => {
    const { remote } = connectThread(t);
    await remote.sum(Uint32Array.of(1));
    const undici = (await remote.loadedModules()).filter((name) => name.includes('undici/undici'));
    assert.deepEqual(undici, []);
  });
});
