import type { EventEmitter } from 'node:events';
import { inspect } from 'node:util';

/**
 * Calls foreign code, such as a logger or a listener, without propagating its exceptions. Returns what it returned.
 *
 * If that is a promise, of whatever library, its rejection is handled as well: an unhandled one would end the process.
 *
 * @param failed receives what was thrown, or the reason of the rejection; must not throw
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
 * Calls the listeners of an event so that none can disturb the emitter or the other listeners: what a listener throws, or
 * an async one rejects with, is passed to `onFailed`, and the next one is called.
 *
 * @param onFailed Default: emits a process warning (`ZeoListenerWarning`), for emitters without a log
 */
export function callListeners(
  emitter: EventEmitter,
  name: string,
  args: readonly unknown[],
  onFailed: (error: unknown) => void = (error) => warnOfListener(name, error),
): void {
  // Not by `emit`, which skips the listeners after one that throws. The wrappers of `once` remove themselves.
  for (const listener of emitter.rawListeners(name)) {
    contain(() => Reflect.apply(listener, emitter, args), onFailed);
  }
}

function warnOfListener(name: string, error: unknown): void {
  const detail = describe(error);
  const [what] = detail.split('\n', 1);
  process.emitWarning(`A listener of ${name} threw: ${what}`, { type: 'ZeoListenerWarning', detail });
}

/** Not `String(error)`: anything can be thrown, and an object without a prototype cannot be converted. */
export function describe(error: unknown): string {
  try {
    return inspect(error, { customInspect: false });
  } catch {
    return 'something that cannot be shown';
  }
}
