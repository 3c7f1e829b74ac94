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

/** How many arguments a method takes, at least and at most, where it takes any. Source: `ZEOStorage` and FileStorage. */
const counts: Readonly<Record<string, readonly [least: number, most: number]>> = {
  getTid: [1, 1],
  loadBefore: [2, 2],
  loadSerial: [2, 2],
  getInvalidations: [1, 1],
  new_oids: [0, 1],
  set_client_label: [1, 1],
  history: [1, 2],
  undoLog: [2, 2],
  undoInfo: [3, 3],
  pack: [1, 2],
  record_iternext: [0, 1],
  iterator_start: [2, 2],
  iterator_next: [1, 1],
  iterator_record_start: [2, 2],
  iterator_record_next: [1, 1],
  iterator_gc: [1, 1],
  tpc_begin: [4, 6],
  storea: [4, 4],
  restorea: [5, 5],
  deleteObject: [3, 3],
  checkCurrentSerialInTransaction: [3, 3],
  undoa: [2, 2],
  vote: [1, 1],
  tpc_finish: [1, 1],
  tpc_abort: [1, 1],
};

const counted = ([name, perform]: readonly [string, Method]): [string, Method] => {
  const [least, most] = counts[name] ?? [0, 0];
  return [
    name,
    (client, args) => {
      args.checkCount(least, most);
      return perform(client, args);
    },
  ];
};

/** Every method that a registered client may call; any other name ends the connection. */
export const methods: ReadonlyMap<string, Method> = new Map([
  ...missing.map((name): [string, Method] => [name, refuse(name)]),
  ...Object.entries(readMethods).map(counted),
  ...Object.entries(historyMethods).map(counted),
  ...Object.entries(commitMethods).map(counted),
]);
