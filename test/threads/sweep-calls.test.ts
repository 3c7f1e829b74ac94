import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { connect } from '#src/threads/endpoint.js';
import { answerSweep, SweepCalls } from '#src/threads/sweep-calls.js';

/** The two sides of `sweep`, over a port; `sweep` is the main thread's. */
function connectSides(sweep: (ids: Uint32Array) => Promise<readonly number[]>) {
  const { port1, port2 } = new MessageChannel();
  const panics: string[] = [];
  const host = { sweep, panicked: ({ message }: Error) => void panics.push(message) };
  const main = connect<object>(port1, host, (numbers) => void answerSweep(numbers, host, main.send));
  const worker = connect<typeof host>(port2, {}, (numbers) => calls.returned(numbers));
  const calls = new SweepCalls(worker.send);
  return { calls, panics, worker, [Symbol.dispose]: () => worker.close() };
}

describe('A sweep between the threads', { timeout: 30_000 }, () => {
  it('returns the targets that are still out, beside the calls of comlink', async () => {
    using sides = connectSides(async (ids) => [...ids].filter((id) => id % 2 === 1));
    const { calls, worker } = sides;
    const sweeps = [Uint32Array.of(0, 1, 2, 3), Uint32Array.of(4), Uint32Array.of()].map((ids) =>
      calls.sweep(ids),
    );
    await worker.remote.panicked(new Error('over comlink'));
    assert.deepEqual(await Promise.all(sweeps), [[1, 3], [], []]);
    assert.deepEqual(sides.panics, ['over comlink']);
  });

  it('returns to its own call when a later one returns first', async () => {
    const returns: (() => void)[] = [];
    using sides = connectSides((ids) => new Promise((resolve) => returns.unshift(() => resolve([...ids]))));
    const { calls, worker } = sides;
    const order: number[] = [];
    const sweeps = [7, 8].map(async (id) => {
      const out = await calls.sweep(Uint32Array.of(id));
      order.push(...out);
      return out;
    });
    // Sent after them over the same port.
    await worker.remote.panicked(new Error('arrived'));
    for (const end of returns) end();
    assert.deepEqual(await Promise.all(sweeps), [[7], [8]]);
    assert.deepEqual(order, [8, 7]);
  });

  it('has room for more targets than a function can have arguments', async () => {
    using sides = connectSides(async (ids) => [...ids]);
    const ids = Uint32Array.from({ length: 300_000 }, (_, id) => id);
    assert.deepEqual(await sides.calls.sweep(ids), [...ids]);
  });

  it('that throws is reported in the main thread, and returns none', async () => {
    using sides = connectSides(() => {
      throw new Error('thrown by the sweeper');
    });
    assert.deepEqual(await sides.calls.sweep(Uint32Array.of(1)), []);
    assert.deepEqual(sides.panics, ['thrown by the sweeper']);
  });
});
