import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import { callListeners } from '#src/async/contain.js';

describe('Listeners that are called one by one', () => {
  it('receive the arguments and the emitter, and `once` is respected', () => {
    const emitter = new EventEmitter();
    const calls: unknown[] = [];
    function listener(this: unknown, ...args: unknown[]) {
      calls.push([this === emitter, ...args]);
    }
    emitter.on('changed', listener).once('changed', listener);
    for (const value of [1, 2])
      callListeners(emitter, 'changed', [value, 'x'], (error) => assert.ifError(error));
    assert.deepEqual(calls, [
      [true, 1, 'x'],
      [true, 1, 'x'],
      [true, 2, 'x'],
    ]);
  });

  it('do not affect each other when one throws or rejects in any way', async () => {
    const emitter = new EventEmitter();
    // biome-ignore lint/suspicious/noThenProperty: as another library's promise has it.
    const foreign = { then: (_: unknown, reject: (error: unknown) => void) => reject('foreign') };
    emitter
      .on('changed', () => {
        throw 'thrown';
      })
      .on('changed', async () => {
        throw 'rejected';
      })
      .on('changed', () => foreign);
    const failures = await new Promise<unknown[]>((resolve) => {
      const failed: unknown[] = [];
      callListeners(emitter, 'changed', [], (error) => {
        if (failed.push(error) === 3) resolve(failed);
      });
    });
    assert.deepEqual(failures.sort(), ['foreign', 'rejected', 'thrown']);
  });
});
