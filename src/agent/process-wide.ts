/**
 * What a process has one of, however many copies of this package are loaded in it: a bundled application brings one, and
 * `--import zeo-keepalive/register` another. The first copy that is loaded makes it, and the others find it.
 *
 * Rules:
 * - `name` ends in the version of the shape. A copy that needs another shape takes another version, and shares nothing
 *   with the older ones; one that only adds to the shape must do without what it adds.
 * - It is recognised by its shape: its class is that of another copy.
 * - Where globals cannot be added to, each copy has its own.
 */
export function processWide<T>(
  name: string,
  hasShape: (value: unknown) => value is T,
  create: () => NoInfer<T>,
): T {
  const key = Symbol.for(`zeo-keepalive.${name}`);
  const present: unknown = Reflect.get(globalThis, key);
  if (hasShape(present)) return present;
  const made = create();
  // Neither enumerable nor writable, as nothing else has any business with it.
  Reflect.defineProperty(globalThis, key, { value: made });
  return made;
}
