import { copyId, isId } from '../../zodb/ids.js';
import { ServerError } from '../../zodb/pos-exception.js';
import { isTruthy, typeName } from '../encoding/python-values.js';
import type { Value } from '../encoding/values.js';
import { attributeError, transactionError, typeError, valueError } from '../memory-storage/python-errors.js';
import type { Arguments } from './arguments.js';
import type { ClientState } from './client-state.js';
import { type Method, method } from './method.js';
import { PendingTransaction, type TransactionStart } from './pending-transaction.js';
import { readOperation } from './read-operation.js';

/**
 * The two phases of a commit. Source: ZEO/StorageServer.py, `ZEOStorage` and `CommitLog`.
 *
 * ```
 * tpc_begin · storea … · vote ── lock is free ──▶ staged ── tpc_finish ─▶ written: invalidations to others,
 *                     ▲    └── lock is taken ─▶ waits ─┘ └── tpc_abort ─▶ forgotten     then `info` and the reply
 *                     └── conflicts for the client to settle
 * ```
 */
export const commitMethods: Readonly<Record<string, Method>> = {
  tpc_begin: method('id user description ext tid? status?', (client, args) => {
    client.assertWritable();
    const id = args.any(0);
    if (client.transaction?.is(id)) return null;
    if (client.transaction !== undefined) {
      throw transactionError('Multiple simultaneous tpc_begin requests from one client.');
    }
    const meta = {
      user: encoded(args.any(1)),
      description: encoded(args.any(2)),
      extension: isTruthy(args.any(3)) ? args.any(3) : {},
    };
    const demand = readDemand(args.optional(4, null), args.optional(5, ' '));
    const isRefused = demand instanceof ServerError;
    const start = { id, meta, ...(isRefused ? noDemand : demand) };
    const transaction = new PendingTransaction(start, client.served.maxTransactionBytes);
    if (isRefused) transaction.add({ kind: 'invalid', error: demand });
    client.transaction = transaction;
    client.storage.stats.activeTransactions += 1;
    return null;
  }),

  storea: method('oid serial data id', (client, args) => collect(client, 'store', args)),

  restorea: method('oid serial data prev_txn id', (client, args) => collect(client, 'restore', args)),

  deleteObject: method('oid serial id', (client, args) => collect(client, 'delete', args)),

  checkCurrentSerialInTransaction: method('oid serial id', (client, args) => collect(client, 'check', args)),

  undoa: method('trans_id tid', (client, args) => collect(client, 'undo', args)),

  vote: method('tid', (client, args) => {
    const transaction = client.current(args.any(0));
    const granted = client.storage.commitLock.acquire(client);
    return granted === undefined
      ? stage(client, transaction)
      : granted.then(() => stage(client, transaction));
  }),

  tpc_finish: method('id', (client, args) => {
    const transaction = mentioned(client, args.any(0));
    if (transaction === undefined) return null;
    const { storage } = client;
    const { staged, start } = transaction;
    if (staged === undefined) throw new ServerError('builtins.AssertionError', ['finished called wo lock']);
    storage.stats.commits += 1;
    const tid = storage.write(staged, { ...start, author: client });
    client.resized({ length: storage.length, size: storage.size });
    client.endTransaction();
    return tid;
  }),

  tpc_abort: method('tid', (client, args) => {
    if (mentioned(client, args.any(0)) !== undefined) {
      client.storage.stats.aborts += 1;
      client.endTransaction();
    }
    return null;
  }),
};

/**
 * A user or a description: bytes, or text as bytes. A copy, since bytes are a view into the frame that brought them.
 * Source: ZODB/Connection.py, `TransactionMetaData`.
 */
function encoded(value: Value): Uint8Array {
  if (typeof value === 'string') return Uint8Array.from(Buffer.from(value));
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  throw attributeError(typeName(value), 'encode');
}

type TransactionDemand = Pick<TransactionStart, 'tid' | 'status'>;

const noDemand: TransactionDemand = { tid: null, status: ' ' };

/** What a client that copies a database demands of its transaction, or the error that fails its vote. */
function readDemand(tid: Value, status: Value): TransactionDemand | ServerError {
  if (tid !== null && !(tid instanceof Uint8Array)) return typeError('A transaction id must be bytes');
  if (tid !== null && !isId(tid)) return valueError('8-byte array expected');
  const mark = status instanceof Uint8Array ? Buffer.from(status).toString('latin1') : status;
  if (mark !== ' ' && mark !== 'p') return valueError('The status of a transaction must be " " or "p"');
  return { tid: tid && copyId(tid), status: mark };
}

/** Adds an operation to the client's transaction, which every such call names last. */
function collect(client: ClientState, kind: Parameters<typeof readOperation>[0], args: Arguments): null {
  const transaction = client.current(args.last);
  // The vote was on what was there then; ZEO's own server would silently lose the operation.
  if (transaction.staged !== undefined) throw transactionError('The transaction has been voted on');
  if (kind !== 'check' && kind !== 'undo') client.storage.stats.stores += 1;
  transaction.add(readOperation(kind, args), args.all);
  return null;
}

/** The client's transaction, if it is the named one: ending an unknown one is not an error. */
function mentioned(client: ClientState, id: Value): PendingTransaction | undefined {
  client.assertWritable();
  return client.transaction?.is(id) ? client.transaction : undefined;
}

/**
 * The vote, with the lock held. A transaction that fails it is over.
 *
 * @returns the objects that were rewritten, or the conflicts for the client to settle before it votes again.
 */
function stage(client: ClientState, transaction: PendingTransaction): Value {
  const { storage, served } = client;
  // Between the grant and this microtask the client may have gone, or aborted.
  if (client.transaction !== transaction) throw transactionError('Transaction was aborted before its vote');
  const { tid } = transaction.start;
  try {
    if (tid !== null && !storage.accepts(tid)) {
      throw transactionError('The demanded transaction id is not later than the last one');
    }
    const resolution = served.clientConflictResolution ? 'client' : storage.resolveConflict;
    const staged = storage.stage(transaction.operations, resolution);
    if (staged.conflicts.length > 0) {
      storage.commitLock.release(client);
      return staged.conflicts;
    }
    transaction.staged = staged;
    client.expectFinish();
    return staged.rewritten;
  } catch (error) {
    if (error instanceof ServerError && error.className.endsWith('ConflictError'))
      storage.stats.conflicts += 1;
    client.endTransaction();
    throw error;
  }
}
