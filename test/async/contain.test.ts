import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import { callListeners } from '#src/async/contain.js';

describe('listeners that are called one by one', () => {
  it('get the arguments and the emitter, and those for once are called once', () => {
    const emitter = new EventEmitter();
    const calls: unknown[] = [];
    function listener(this: unknown, ...args: unknown[]) {
      calls.push([this === emitter, ...args]);
    }
    emitter.on('told', listener).once('told', listener);
    for (const value of [1, 2])
      callListeners(emitter, 'told', [value, 'x'], (error) => assert.ifError(error));
    assert.deepEqual(calls, [
      [true, 1, 'x'],
      [true, 1, 'x'],
      [true, 2, 'x'],
    ]);
  });

  it('fail on their own, whether they throw, reject, or have a promise of another library rejected', async () => {
    const emitter = new EventEmitter();
    // biome-ignore lint/suspicious/noThenProperty: as another library's promise has it.
    const foreign = { then: (_: unknown, reject: (error: unknown) => void) => reject('foreign') };
    emitter
      .on('told', () => {
        throw 'thrown';
      })
      .on('told', async () => {
        throw 'rejected';
      })
      .on('told', () => foreign);
    const failures = await new Promise<unknown[]>((resolve) => {
      const failed: unknown[] = [];
      callListeners(emitter, 'told', [], (error) => {
        if (failed.push(error) === 3) resolve(failed);
      });
    });
    assert.deepEqual(failures.sort(), ['foreign', 'rejected', 'thrown']);
  });
});
