import type { Method } from './method.js';

/** The server's methods that change nothing in a storage. Source: ZEO/StorageServer.py, `ZEOStorage`. */
export const readMethods: Readonly<Record<string, Method>> = {
  get_info: ({ storage }) => ({
    length: storage.length,
    size: storage.size,
    name: storage.name,
    supportsUndo: false,
    supports_record_iternext: false,
    interfaces: [
      ['ZODB.interfaces', 'IStorage'],
      ['zope.interface', 'Interface'],
    ],
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
    client.label = String(args.any(0));
    return null;
  },
};
