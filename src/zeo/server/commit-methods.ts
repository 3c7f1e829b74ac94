import { ServerError } from '../../model/errors.js';
import { copyId } from '../../zodb/ids.js';
import type { Value } from '../encoding/values.js';
import type { Operation } from '../memory-storage/operation.js';
import { transactionError, valueError } from '../memory-storage/python-errors.js';
import type { Arguments } from './arguments.js';
import type { ClientState } from './client-state.js';
import type { Method } from './method.js';
import { PendingTransaction, type TransactionStart } from './pending-transaction.js';

/**
 * The two phases of a commit. Source: ZEO/StorageServer.py, `ZEOStorage` and `CommitLog`.
 *
 * ```
 * tpc_begin · storea … · vote ── lock is free ──▶ staged ── tpc_finish ─▶ written: the others are told, then
 *                     ▲    └── lock is taken ─▶ waits ─┘ └── tpc_abort ─▶ forgotten     `info`, then the reply
 *                     └── conflicts that the client is to settle
 * ```
 */
export const commitMethods: Readonly<Record<string, Method>> = {
  tpc_begin: (client, args) => {
    client.assertWritable();
    const id = args.any(0);
    if (client.transaction?.is(id)) return null;
    if (client.transaction !== undefined) {
      throw transactionError('Multiple simultaneous tpc_begin requests from one client.');
    }
    const meta = { user: kept(args.any(1)), description: kept(args.any(2)), extension: args.any(3) };
    const { served, storage } = client;
    let demand: TransactionDemand = { tid: null, status: ' ' };
    let refused: ServerError | undefined;
    try {
      demand = readDemand(args);
    } catch (error) {
      refused = asServerError(error);
    }
    const transaction = new PendingTransaction({ id, meta, ...demand }, served.maxTransactionBytes);
    if (refused !== undefined) transaction.add({ kind: 'invalid', error: refused });
    client.transaction = transaction;
    storage.stats.activeTransactions += 1;
    return null;
  },

  storea: (client, args) =>
    collect(client, args.any(3), () => ({
      kind: 'store',
      oid: args.id(0),
      serial: kept(args.any(1)),
      data: args.bytes(2),
    })),

  restorea: (client, args) =>
    collect(client, args.any(4), () => ({
      kind: 'restore',
      oid: args.id(0),
      data: args.any(2) === null ? null : args.bytes(2),
      origin: args.idOrNull(3),
    })),

  deleteObject: (client, args) =>
    collect(client, args.any(2), () => ({ kind: 'delete', oid: args.id(0), serial: kept(args.any(1)) })),

  checkCurrentSerialInTransaction: (client, args) =>
    collect(client, args.any(2), () => ({ kind: 'check', oid: args.id(0), serial: kept(args.any(1)) })),

  // The id in the form in which `undoLog` gives it.
  undoa: (client, args) =>
    collect(client, args.any(1), () => ({
      kind: 'undo',
      tid: Buffer.from(Buffer.from(args.bytes(0)).toString('latin1'), 'base64'),
    })),

  vote: (client, args) => {
    const transaction = client.current(args.any(0));
    const granted = client.storage.commitLock.acquire(client);
    return granted === undefined
      ? stage(client, transaction)
      : granted.then(() => stage(client, transaction));
  },

  tpc_finish: (client, args) => {
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
  },

  tpc_abort: (client, args) => {
    if (mentioned(client, args.any(0)) !== undefined) {
      client.storage.stats.aborts += 1;
      client.endTransaction();
    }
    return null;
  },
};

/** Bytes are a view into the frame that brought them, which is not worth keeping for a few of them. */
function kept(value: Value): Value {
  return value instanceof Uint8Array ? Uint8Array.from(value) : value;
}

type TransactionDemand = Pick<TransactionStart, 'tid' | 'status'>;

/** What a client that copies a database demands of its transaction. */
function readDemand(args: Arguments): TransactionDemand {
  const tid = args.idOrNull(4);
  const status = args.optional(5, ' ');
  if (status !== ' ' && status !== 'p') throw valueError('The status of a transaction must be " " or "p"');
  return { tid: tid && copyId(tid), status };
}

/**
 * Adds an operation to the client's transaction. What is wrong with its arguments is an error of the vote, as with ZEO's own
 * server, which looks at them only then: these calls are one-way, so any other error would end the connection.
 */
function collect(client: ClientState, id: Value, read: () => Operation): null {
  const transaction = client.current(id);
  // The vote has been given for what was there then.
  if (transaction.staged !== undefined) throw transactionError('The transaction has been voted on');
  let operation: Operation;
  try {
    operation = read();
  } catch (error) {
    operation = { kind: 'invalid', error: asServerError(error) };
  }
  if (operation.kind !== 'check' && operation.kind !== 'undo') client.storage.stats.stores += 1;
  transaction.add(operation);
  return null;
}

function asServerError(error: unknown): ServerError {
  if (error instanceof ServerError) return error;
  throw error;
}

/** The transaction, if the client is in it: to end one that there is not is no error. */
function mentioned(client: ClientState, id: Value): PendingTransaction | undefined {
  client.assertWritable();
  return client.transaction?.is(id) ? client.transaction : undefined;
}

/**
 * With the lock held. A transaction that fails its vote is over.
 *
 * @returns the objects that were rewritten, or the conflicts that the client is to settle before it votes again.
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
