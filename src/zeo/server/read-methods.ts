import type { Method } from './method.js';

/** What the storage can do, in the order of a file storage's `providedBy(storage).__iro__`: ZEO's client offers of itself what is named here (`ZEO/ClientStorage.py: notify_connected`). */
const interfaces = [
  ['ZODB.interfaces', 'IStorageRestoreable'],
  ['ZODB.interfaces', 'IStorageIteration'],
  ['ZODB.interfaces', 'IStorageUndoable'],
  ['ZODB.interfaces', 'IStorageCurrentRecordIteration'],
  ['ZODB.interfaces', 'IExternalGC'],
  ['ZODB.interfaces', 'IStorage'],
  ['zope.interface', 'Interface'],
];

/** The server's methods that change nothing in a storage, and tell only of now and of what changed since. Source: ZEO/StorageServer.py, `ZEOStorage`. */
export const readMethods: Readonly<Record<string, Method>> = {
  get_info: ({ storage }) => ({
    length: storage.length,
    size: storage.size,
    name: storage.name,
    supportsUndo: true,
    supports_record_iternext: true,
    interfaces,
  }),

  ping: () => null,

  lastTransaction: ({ storage }) => storage.lastTransaction,

  getTid: ({ storage }, args) => storage.getTid(args.oid(0)),

  loadBefore: ({ storage }, args) => {
    storage.stats.loads += 1;
    const found = storage.loadBefore(args.oid(0), args.id(1));
    return found && [found.data, found.tid, found.end];
  },

  loadSerial: ({ storage }, args) => storage.loadSerial(args.oid(0), args.id(1)),

  getInvalidations: ({ storage }, args) => {
    const found = storage.getInvalidations(args.id(0));
    return found && [found.tid, found.oids];
  },

  new_oids: (client, args) => {
    client.assertWritable();
    // As many as ZEO gives: never none, and never more than a hundred.
    return client.storage.newOids(Math.max(1, Math.min(100, args.integer(0, 100))));
  },

  server_status: ({ storage, served }) => storage.status(served.transactionTimeoutMs !== undefined),

  set_client_label: (client, args) => {
    // The client's name for itself is for people to read: no more is kept than they would.
    client.label = String(args.any(0)).slice(0, 1000);
    return null;
  },
};
