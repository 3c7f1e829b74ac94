import { commitMethods } from './commit-methods.js';
import type { Method } from './method.js';
import { notImplementedError } from './python-errors.js';
import { readMethods } from './read-methods.js';

/** Methods of ZEO's server that this one only knows by name. */
const missing = [
  'pack',
  'restorea',
  'storeBlobStart',
  'storeBlobChunk',
  'storeBlobEnd',
  'storeBlobShared',
  'history',
  'record_iternext',
  'sendBlob',
  'new_oid',
  'undoa',
  'undoLog',
  'undoInfo',
  'iterator_start',
  'iterator_next',
  'iterator_record_start',
  'iterator_record_next',
  'iterator_gc',
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
  ...Object.entries(commitMethods),
]);
