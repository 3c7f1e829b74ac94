import type { Method } from './method.js';

/** What the storage can do: ZEO's client offers of itself what is named here (`ZEO/ClientStorage.py: notify_connected`). */
const interfaces = [
  ['ZODB.interfaces', 'IStorage'],
  ['ZODB.interfaces', 'IStorageRestoreable'],
  ['ZODB.interfaces', 'IStorageIteration'],
  ['ZODB.interfaces', 'IStorageUndoable'],
  ['ZODB.interfaces', 'IStorageCurrentRecordIteration'],
  ['ZODB.interfaces', 'IExternalGC'],
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

  getTid: ({ storage }, args) => storage.getTid(args.id(0)),

  loadBefore: ({ storage }, args) => {
    storage.stats.loads += 1;
    const found = storage.loadBefore(args.id(0), args.id(1));
    return found && [found.data, found.tid, found.end];
  },

  loadSerial: ({ storage }, args) => storage.loadSerial(args.id(0), args.id(1)),

  getInvalidations: ({ storage }, args) => {
    const found = storage.getInvalidations(args.id(0));
    return found && [found.tid, found.oids];
  },

  new_oids: (client, args) => {
    client.assertWritable();
    const count = Number(args.optional(0, 100));
    // As many as ZEO gives: never none, and never more than a hundred.
    return client.storage.newOids(Number.isFinite(count) ? Math.max(1, Math.min(100, Math.trunc(count))) : 1);
  },

  server_status: ({ storage }) => storage.status(),

  set_client_label: (client, args) => {
    // The client's name for itself is for people to read: no more is kept than they would.
    client.label = String(args.any(0)).slice(0, 1000);
    return null;
  },
};
