import { inspect } from 'node:util';
import { numberOf, typeName } from '../encoding/python-values.js';
import type { Value } from '../encoding/values.js';
import { typeError, valueError } from '../memory-storage/python-errors.js';
import { type Method, method } from './method.js';

/** The interfaces of a file storage, in the order of `providedBy(storage).__iro__`: ZEO's client declares that it provides them (`ZEO/ClientStorage.py: notify_connected`). */
const interfaces = [
  ['ZODB.interfaces', 'IStorageRestoreable'],
  ['ZODB.interfaces', 'IStorageIteration'],
  ['ZODB.interfaces', 'IStorageUndoable'],
  ['ZODB.interfaces', 'IStorageCurrentRecordIteration'],
  ['ZODB.interfaces', 'IExternalGC'],
  ['ZODB.interfaces', 'IStorage'],
  ['zope.interface', 'Interface'],
];

/** The methods that read current data, or what changed since a transaction. Source: ZEO/StorageServer.py, `ZEOStorage`. */
export const readMethods: Readonly<Record<string, Method>> = {
  get_info: method('', ({ storage }) => ({
    length: storage.length,
    size: storage.size,
    name: storage.name,
    supportsUndo: true,
    supports_record_iternext: true,
    interfaces,
  })),

  ping: method('', () => null),

  lastTransaction: method('', ({ storage }) => storage.lastTransaction),

  getTid: method('oid', ({ storage }, args) => storage.getTid(args.oid(0))),

  loadBefore: method('oid tid', ({ storage }, args) => {
    storage.stats.loads += 1;
    const found = storage.loadBefore(args.oid(0), args.bytes(1));
    return found && [found.data, found.tid, found.end];
  }),

  loadSerial: method('oid serial', ({ storage }, args) => storage.loadSerial(args.oid(0), args.bytes(1))),

  getInvalidations: method('tid', ({ storage }, args) => {
    const tid = args.bytes(0);
    const found = storage.getInvalidations(tid);
    if (found !== null) return [found.tid, found.oids];
    // Too old; ZEO's server logs such an id as a number, for which it needs 8 bytes.
    if (tid.length !== 8) throw valueError('unpack requires a buffer of 8 bytes', tid);
    return null;
  }),

  new_oids: method('n?', (client, args) => {
    const count = oidCount(args.optional(0, 100));
    client.assertWritable();
    return client.storage.newOids(count);
  }),

  server_status: method('', ({ storage, served }) =>
    storage.status(served.transactionTimeoutMs !== undefined),
  ),

  set_client_label: method('label', (client, args) => {
    const label = args.any(0);
    // For people to read, so that a limit does no harm.
    client.label = (typeof label === 'string' ? label : inspect(label)).slice(0, 1000);
    return null;
  }),
};

/** As in ZEO: at least one, at most a hundred. */
function oidCount(wanted: Value): number {
  const number = numberOf(wanted);
  if (number === undefined) throw typeError(`'<' not supported between 'int' and '${typeName(wanted)}'`);
  if (number > 100) return 100;
  if (number <= 0) return 1;
  if (!Number.isInteger(Number(number)))
    throw typeError("'float' object cannot be interpreted as an integer");
  return Number(number);
}
