import { ServerError } from '../../errors.js';
import type { Value } from '../protocol/values.js';
import type { ClientState } from './client-state.js';
import type { Method } from './method.js';
import { type Operation, PendingTransaction } from './pending-transaction.js';
import { transactionError } from './python-errors.js';

/**
 * The two phases of a commit. Source: ZEO/StorageServer.py, `ZEOStorage` and `CommitLog`.
 *
 * ```
 * tpc_begin · storea … · vote ── lock is free ──▶ verified ── tpc_finish ─▶ written: the others are told, then
 *                          └── lock is taken ─▶ waits ─┘ └── tpc_abort ─▶ forgotten     `info`, then the reply
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
    const tid = args.optional(4, null) === null ? null : args.id(4);
    client.transaction = new PendingTransaction(id, meta, tid);
    client.storage.stats.activeTransactions += 1;
    return null;
  },

  storea: (client, args) =>
    collect(client, args.any(3), { kind: 'store', oid: args.id(0), serial: args.id(1), data: args.bytes(2) }),

  deleteObject: (client, args) =>
    collect(client, args.any(2), { kind: 'delete', oid: args.id(0), serial: args.id(1) }),

  checkCurrentSerialInTransaction: (client, args) =>
    collect(client, args.any(2), { kind: 'check', oid: args.id(0), serial: args.id(1) }),

  vote: (client, args) => {
    const transaction = client.current(args.any(0));
    const granted = client.storage.commitLock.acquire(client);
    return granted === undefined
      ? verify(client, transaction)
      : granted.then(() => verify(client, transaction));
  },

  tpc_finish: (client, args) => {
    const transaction = mentioned(client, args.any(0));
    if (transaction === undefined) return null;
    const { storage } = client;
    if (!transaction.voted) throw new ServerError('builtins.AssertionError', ['finished called wo lock']);
    storage.stats.commits += 1;
    const tid = storage.write(transaction.operations, transaction.meta, client, transaction.tid);
    client.peer.oneWay('info', [{ length: storage.length, size: storage.size }]);
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

function collect(client: ClientState, id: Value, operation: Operation): null {
  const transaction = client.current(id);
  // The vote has been given for what was there then.
  if (transaction.voted) throw transactionError('The transaction has been voted on');
  if (operation.kind !== 'check') client.storage.stats.stores += 1;
  transaction.operations.push(operation);
  return null;
}

/** The transaction, if the client is in it: to end one that there is not is no error. */
function mentioned(client: ClientState, id: Value): PendingTransaction | undefined {
  client.assertWritable();
  return client.transaction?.is(id) ? client.transaction : undefined;
}

/** With the lock held. A transaction that fails its vote is over. */
function verify(client: ClientState, transaction: PendingTransaction): Value {
  const { storage } = client;
  // Between the grant and this microtask the client may have gone, or aborted.
  if (client.transaction !== transaction) throw transactionError('Transaction was aborted before its vote');
  try {
    if (transaction.tid !== null && !storage.accepts(transaction.tid)) {
      throw transactionError('The demanded transaction id is not later than the last one');
    }
    storage.verify(transaction.operations);
  } catch (error) {
    if (error instanceof ServerError && error.className.endsWith('ConflictError'))
      storage.stats.conflicts += 1;
    client.endTransaction();
    throw error;
  }
  transaction.voted = true;
  return [];
}
