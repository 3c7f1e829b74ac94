import type { EventEmitter } from 'node:events';
import { inspect } from 'node:util';

/**
 * Calls what somebody else wrote, such as a logger or a listener, without failing when it does. Returns what it returned.
 *
 * A promise counts too, whatever library made it: nobody else would hear of its rejection, for which Node ends the process.
 *
 * @param failed called with what was thrown, or with the reason of the rejection; must not throw
 */
export function contain<T>(call: () => T, failed: (error: unknown) => void): T | undefined {
  try {
    const result = call();
    if (isThenable(result)) Promise.resolve(result).then(undefined, failed);
    return result;
  } catch (error) {
    failed(error);
    return undefined;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  const hasMembers = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return hasMembers && typeof (value as Partial<PromiseLike<unknown>>).then === 'function';
}

/**
 * Calls the listeners of an event so that they can disturb neither what emits it nor each other: `onFailed` gets what
 * one of them throws, or what the promise of an async one rejects with, and the next one is called.
 */
export function callListeners(
  emitter: EventEmitter,
  name: string,
  args: readonly unknown[],
  onFailed: (error: unknown) => void,
): void {
  // Not by `emit`, which leaves out the listeners after one that throws. Wrappers of `once` take themselves off.
  for (const listener of emitter.rawListeners(name)) {
    contain(() => Reflect.apply(listener, emitter, args), onFailed);
  }
}

/** Reports a listener that threw as a process warning, for what has no log. */
export function warnOfListener(name: string, error: unknown): void {
  const detail = describe(error);
  const [what] = detail.split('\n', 1);
  process.emitWarning(`A listener of ${name} threw: ${what}`, { type: 'ZeoListenerWarning', detail });
}

/** Not `String(error)`: anything can be thrown, and an object without a prototype has no text. */
function describe(error: unknown): string {
  try {
    return inspect(error, { customInspect: false });
  } catch {
    return 'something that cannot be shown';
  }
}
