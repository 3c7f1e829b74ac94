// Loads a second copy of the package, whose `index.js` is the first argument, and prints what the two copies share. With
// `--freeze` as the second argument, the global object cannot be extended.
if (process.argv[3] === '--freeze') Object.preventExtensions(globalThis);
const one = await import('zeo-keepalive');
const other = (await import(process.argv[2] as string)) as typeof one;

/** The code of the error that a call throws, and whether it is an instance of the class of both copies. */
function failure(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    const isOfBoth = error instanceof one.KeepAliveError && error instanceof other.KeepAliveError;
    return isOfBoth ? `${code}` : `${code}, of one class only`;
  }
  return 'none';
}

const silent = { level: 'silent' } as const;
one.databases.open('main', {});
const sharesRegistry = other.databases.opened.has('main');
const nameTaken = failure(() => other.databases.open('main', {}));
other.startThread(60, silent);
const secondStart = failure(() => one.startThread(60, silent));
await one.stopThread();
const startAfterStop = failure(() => other.startThread(60, silent));
await Promise.all([one.stopThread(), other.stopThread()]);
const registryOfOther = failure(() =>
  one.startThread(60, { ...silent, databases: new other.StorageRegistry() }),
);
await one.stopThread();
const onGlobal = Object.getOwnPropertySymbols(globalThis)
  .filter((symbol) => symbol.description?.startsWith('zeo-keepalive.'))
  .map((symbol) => Object.getOwnPropertyDescriptor(globalThis, symbol)?.enumerable);
console.log(
  JSON.stringify({ sharesRegistry, nameTaken, secondStart, startAfterStop, registryOfOther, onGlobal }),
);
