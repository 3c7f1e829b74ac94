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
