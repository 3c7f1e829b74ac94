import { notImplementedError } from '../memory-storage/python-errors.js';
import { commitMethods } from './commit-methods.js';
import { historyMethods } from './history-methods.js';
import type { Method } from './method.js';
import { readMethods } from './read-methods.js';

/** Methods of ZEO's server that this one only knows by name: what blobs need, and what its own does not have either. */
const missing = [
  'storeBlobStart',
  'storeBlobChunk',
  'storeBlobEnd',
  'storeBlobShared',
  'sendBlob',
  'new_oid',
];

const refuse =
  (name: string): Method =>
  () => {
    throw notImplementedError(name);
  };

/** Every method that a registered client may call; any other name ends the connection. */
export const methods: ReadonlyMap<string, Method> = new Map([
  ...missing.map((name): [string, Method] => [name, refuse(name)]),
  ...Object.entries(readMethods),
  ...Object.entries(historyMethods),
  ...Object.entries(commitMethods),
]);
