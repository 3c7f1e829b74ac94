/*
 * One two-phase commit (`ZEO/ClientStorage.py`), bound to the connection on which it began.
 *
 *     open ── tpcVote ──▶ voting ──▶ voted ── tpcFinish ──▶ finishing ──▶ ended
 *       └───────────────────┴─ failed ┴── tpcAbort ─────────────────────────┘
 *
 * - What is stored goes to the server at once and is not answered. There it is kept until the vote. A one-way call that
 *   the server does not like ends the connection, so that what it would not like is refused here.
 * - With the vote the server's commit lock is taken, until the end.
 * - The commit lock of this storage is given back at the end, and only then.
 */

import { unwatchAbort, watchAbort } from '../../async/abort-watch.js';
import { ClientDisconnected } from '../../model/errors.js';
import { checkSignal, invalidArgument } from '../../model/invalid-argument.js';
import type { ResolveConflict } from '../../zodb/conflict.js';
import { copyId, idKey, isTid, takeOid, takeTid } from '../../zodb/ids.js';
import { ConflictError, StorageTransactionError } from '../../zodb/pos-exception.js';
import type { Connection } from '../connection/connection.js';
import { unexpectedReply } from '../connection/unexpected-reply.js';
import type { Value } from '../encoding/values.js';
import type { CommittedChange, Freshness } from './freshness.js';
import { OutcomeUnknown } from './outcome-unknown.js';
import { readVote, unresolved } from './vote.js';

/** A transaction may have its conflicts resolved so many times (`ZEO/ClientStorage.py: tpc_vote`). */
const maxVotes = 9;

export interface TransactionContext {
  /** The client's own name for it, on the wire. */
  readonly id: number;
  readonly connection: Connection;
  readonly freshness: Freshness;
  /** In its metadata, so that it can be found again. */
  readonly commitId: string;
  readonly resolveConflict: ResolveConflict | undefined;
  readonly release: () => void;
}

type Phase = 'open' | 'voting' | 'voted' | 'failed' | 'finishing' | 'ended';

/**
 * A transaction of a {@link ClientStorage}, from `tpcBegin` on. It holds the storage's commit lock until it is finished
 * or aborted, whatever happens to the connection: end it, or let `await using` abort it.
 *
 * @example
 * await using transaction = await storage.tpcBegin({ description: 'Rename' });
 * await transaction.store(oid, serial, record);
 * await transaction.tpcVote();
 * const tid = await transaction.tpcFinish();
 */
export class Transaction implements AsyncDisposable {
  readonly #context: TransactionContext;
  /** What is to be current afterwards, by object. */
  readonly #changes = new Map<string, CommittedChange>();
  #storedBytes = 0;
  #phase: Phase = 'open';
  /** Calls the vote off. */
  #voting: AbortController | undefined;

  /** Not for callers: `storage.tpcBegin`. */
  constructor(context: TransactionContext) {
    this.#context = context;
  }

  /** Whether it is still to be finished or aborted. */
  get isActive(): boolean {
    return this.#phase !== 'ended';
  }

  /**
   * A new state of an object. Resolves when there is room for the next one; what the server thinks of it is known with
   * the vote.
   *
   * @param oid 8 bytes
   * @param serial the transaction that wrote the revision that this one replaces, 8 bytes; {@link zeroId} for a new
   *   object
   * @param data the record: ZODB's two pickles. It may be reused afterwards.
   * @throws StorageTransactionError; ClientDisconnected; KeepAliveError `ERR_ZEO_INVALID_ARGUMENT`,
   *   `ERR_ZEO_FRAME_TOO_LARGE`: then the transaction is as if it had not been called
   */
  async store(oid: Uint8Array, serial: Uint8Array, data: Uint8Array): Promise<void> {
    const id = takeOid(oid);
    const args = [id, takeTid('serial', serial), takeRecord(data)];
    this.#tell('storea', args);
    this.#changed(id, data);
    await this.#context.connection.drained();
  }

  /**
   * Lets the vote fail if the object is not as it was read.
   *
   * @param serial the transaction that wrote the revision that was read, 8 bytes
   * @throws as {@link store}
   */
  async checkCurrentSerialInTransaction(oid: Uint8Array, serial: Uint8Array): Promise<void> {
    this.#tell('checkCurrentSerialInTransaction', [takeOid(oid), takeTid('serial', serial)]);
    await this.#context.connection.drained();
  }

  /**
   * Deletes an object, where the server's storage can (`ZODB.interfaces.IExternalGC`).
   *
   * @param serial of its current revision, 8 bytes
   * @throws as {@link store}
   */
  async deleteObject(oid: Uint8Array, serial: Uint8Array): Promise<void> {
    const id = takeOid(oid);
    this.#tell('deleteObject', [id, takeTid('serial', serial)]);
    this.#changed(id, undefined);
    await this.#context.connection.drained();
  }

  /**
   * Undoes another transaction within this one.
   *
   * @param transactionId the `id` of an entry of `undoLog`
   * @throws as {@link store}; that it cannot be undone comes from the vote, as UndoError
   */
  async undo(transactionId: Uint8Array): Promise<void> {
    if (!(transactionId instanceof Uint8Array))
      throw invalidArgument('transactionId', 'the Uint8Array that undoLog names it by', transactionId);
    this.#tell('undoa', [transactionId]);
    await this.#context.connection.drained();
  }

  /**
   * The first phase: the server checks everything, and promises to commit it.
   *
   * @returns the objects whose new state is not the one that was stored, but one that resolves a conflict, or
   *   comes from an undo: load them again
   * @throws ConflictError, ReadConflictError, POSKeyError, UndoError; StorageTransactionError; ClientDisconnected;
   *   `signal.reason`. What is left is to abort. StorageTransactionError, too, when it is aborted meanwhile
   */
  async tpcVote(signal?: AbortSignal): Promise<Uint8Array[]> {
    checkSignal(signal);
    this.#require('open', 'tpcVote');
    this.#phase = 'voting';
    const voting = new AbortController();
    this.#voting = voting;
    const caller = { aborted: (reason: unknown) => voting.abort(reason) };
    if (signal?.aborted) voting.abort(signal.reason);
    else if (signal !== undefined) watchAbort(signal, caller);
    try {
      const resolved = await this.#vote(voting.signal);
      voting.signal.throwIfAborted();
      this.#phase = 'voted';
      for (const oid of resolved) this.#changed(oid, undefined);
      return resolved;
    } catch (error) {
      // Aborted meanwhile, it has ended, and must not come back.
      if (this.isActive) this.#phase = 'failed';
      // Most likely an invalidation was missed: without this the next attempt would meet the same conflict.
      if (error instanceof ConflictError && error.oid !== undefined)
        this.#context.freshness.cache.forgetCurrent(error.oid);
      throw error;
    } finally {
      if (signal !== undefined) unwatchAbort(signal, caller);
    }
  }

  /**
   * The second phase: it is committed, and the storage's cache and `lastTransaction()` know of it.
   *
   * @returns the transaction's id, 8 bytes
   * @throws OutcomeUnknown when the connection is lost on the way, or the server answers with an exception or with what
   *   cannot be understood, which ends the connection; StorageTransactionError without a vote, and when the server no
   *   longer knows of the transaction: then it was not committed
   */
  async tpcFinish(): Promise<Uint8Array> {
    this.#require('voted', 'tpcFinish');
    this.#phase = 'finishing';
    const { id, connection, freshness, commitId, release } = this.#context;
    const since = copyId(freshness.lastTid as Uint8Array);
    let tid: Uint8Array | null;
    try {
      // In the order of the wire: what the server tells next may already be about a later transaction.
      tid = await connection.callInOrder('tpc_finish', [id], {
        replied: (reply) => {
          const tid = readFinish(reply);
          if (tid !== null) freshness.committed(tid, this.#changes);
          return tid;
        },
        // Whatever it was, the data here and there may differ now (`ZEO/asyncio/client.py: tpc_finish_co`).
        failed: (error) => connection.destroy(error),
      });
    } catch (error) {
      throw new OutcomeUnknown({ commitId, since }, error);
    } finally {
      this.#phase = 'ended';
      release();
    }
    // Only that proves it: an exception may come from after the commit, whatever its class.
    if (tid === null) throw new StorageTransactionError(['The server does not know of the transaction']);
    return tid;
  }

  /**
   * Forgets the transaction, wherever it is. Does nothing when it has ended. Resolves when the server has answered, or its
   * connection is gone: a signal that called the vote off does not shorten that.
   *
   * @throws StorageTransactionError while it is being finished
   */
  async tpcAbort(): Promise<void> {
    if (this.#phase === 'ended') return;
    if (this.#phase === 'finishing') throw this.#unfit('tpcAbort');
    const { id, connection, release } = this.#context;
    this.#phase = 'ended';
    // A server never answers the vote of a transaction that was aborted while it waited for the commit lock.
    this.#voting?.abort(new StorageTransactionError(['The transaction was aborted while it was voted on']));
    try {
      // The server forgets it with the connection, too.
      if (connection.failure === undefined) await connection.call('tpc_abort', [id]);
    } catch (error) {
      if (connection.failure === undefined) throw error;
    } finally {
      release();
    }
  }

  /** Aborts it, unless it was finished or is being finished. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#phase !== 'finishing') await this.tpcAbort();
  }

  /** After every wait it may have been called off: then it must tell the server no more. */
  async #vote(signal: AbortSignal): Promise<Uint8Array[]> {
    const { id, connection, resolveConflict } = this.#context;
    const resolved = new Map<string, Uint8Array>();
    for (let votes = 1; ; votes++) {
      const { oids, conflicts } = readVote(await connection.call('vote', [id], signal));
      signal.throwIfAborted();
      for (const oid of oids) resolved.set(idKey(oid), copyId(oid));
      if (conflicts.length === 0) return [...resolved.values()];
      for (const conflict of conflicts) {
        const data = votes < maxVotes ? await resolveConflict?.(conflict, signal) : undefined;
        signal.throwIfAborted();
        if (data === undefined) throw unresolved(conflict);
        connection.tell('storea', [conflict.oid, conflict.serials[0], takeRecord(data), id]);
        resolved.set(idKey(conflict.oid), copyId(conflict.oid));
      }
    }
  }

  /** A one-way call, which names this transaction after its other arguments. */
  #tell(method: string, args: readonly Value[]): void {
    this.#require('open', method);
    this.#context.connection.tell(method, [...args, this.#context.id]);
  }

  /** The id is not copied. */
  #changed(oid: Uint8Array, data: Uint8Array | undefined): void {
    if (data !== undefined) this.#storedBytes += data.length;
    const isKept = data !== undefined && this.#context.freshness.cache.accepts(this.#storedBytes);
    this.#changes.set(idKey(oid), { oid, data: isKept ? new Uint8Array(data) : undefined });
  }

  #require(phase: Phase, method: string): void {
    const { failure } = this.#context.connection;
    if (this.#phase !== phase) throw this.#unfit(method);
    if (failure !== undefined)
      throw new ClientDisconnected('The connection of the transaction was lost', { cause: failure });
  }

  #unfit(method: string): Error {
    return new StorageTransactionError([`${method} is not possible: the transaction ${states[this.#phase]}`]);
  }
}

const states: Readonly<Record<Phase, string>> = {
  open: 'has not been voted on',
  voting: 'is being voted on',
  voted: 'has been voted on',
  failed: 'has failed its vote',
  finishing: 'is being finished',
  ended: 'has ended',
};

/** `null` when the server has no such transaction. */
function readFinish(reply: Value): Uint8Array | null {
  if (reply === null) return null;
  if (isTid(reply)) return copyId(reply);
  throw unexpectedReply('tpc_finish', 'a transaction id', reply);
}

function takeRecord(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw invalidArgument('data', 'a Uint8Array', value);
}
