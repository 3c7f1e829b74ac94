/*
 * One two-phase commit (`ZEO/ClientStorage.py`), bound to the connection on which it began.
 *
 *     open ── tpcVote ──▶ voting ──▶ voted ── tpcFinish ──▶ finishing ──▶ ended
 *       └───────────────────┴─ failed ┴── tpcAbort ─────────────────────────┘
 *
 * Rules:
 * - Stores are sent at once, as one-way calls; the server keeps them until the vote. A one-way call that fails on the
 *   server ends the connection, so invalid arguments are rejected here.
 * - The vote takes the server's commit lock, which is held until the end.
 * - The commit lock of this storage is released at the end, and only then.
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

/** The maximum number of votes, each after resolving conflicts (`ZEO/ClientStorage.py: tpc_vote`). */
const maxVotes = 9;

export interface TransactionContext {
  /** Chosen by the client; identifies the transaction on the wire. */
  readonly id: number;
  readonly connection: Connection;
  readonly freshness: Freshness;
  /** The `zeo_commit_id` in its metadata, by which it can be found again. */
  readonly commitId: string;
  readonly resolveConflict: ResolveConflict | undefined;
  readonly release: () => void;
}

type Phase = 'open' | 'voting' | 'voted' | 'failed' | 'finishing' | 'ended';

/**
 * A transaction of a {@link ClientStorage}, from `tpcBegin` on. It holds the storage's commit lock until it is finished
 * or aborted, even if the connection is lost: end it, or let `await using` abort it.
 *
 * @example
 * await using transaction = await storage.tpcBegin({ description: 'Rename' });
 * await transaction.store(oid, serial, record);
 * await transaction.tpcVote();
 * const tid = await transaction.tpcFinish();
 */
export class Transaction implements AsyncDisposable {
  readonly #context: TransactionContext;
  /** The changes by object, for the cache and the `committed` event. */
  readonly #changes = new Map<string, CommittedChange>();
  #storedBytes = 0;
  #phase: Phase = 'open';
  /** Aborts the vote. */
  #voting: AbortController | undefined;

  /** Internal: use `storage.tpcBegin`. */
  constructor(context: TransactionContext) {
    this.#context = context;
  }

  /** Whether it has not been finished or aborted yet. */
  get isActive(): boolean {
    return this.#phase !== 'ended';
  }

  /**
   * Stores a new state of an object. Resolves when there is room for the next one; conflicts and errors are reported by the
   * vote.
   *
   * @param oid 8 bytes
   * @param serial the transaction that wrote the revision being replaced, 8 bytes; {@link zeroId} for a new object
   * @param data the record: ZODB's two pickles. May be reused afterwards.
   * @throws StorageTransactionError; ClientDisconnected; KeepAliveError `ERR_ZEO_INVALID_ARGUMENT`,
   *   `ERR_ZEO_FRAME_TOO_LARGE`: then nothing was sent, and the transaction can go on
   */
  async store(oid: Uint8Array, serial: Uint8Array, data: Uint8Array): Promise<void> {
    const id = takeOid(oid);
    const args = [id, takeTid('serial', serial), takeRecord(data)];
    this.#tell('storea', args);
    this.#changed(id, data);
    await this.#context.connection.drained();
  }

  /**
   * Makes the vote fail if the object has changed since it was read.
   *
   * @param oid 8 bytes
   * @param serial the transaction that wrote the revision that was read, 8 bytes
   * @throws as {@link store}
   */
  async checkCurrentSerialInTransaction(oid: Uint8Array, serial: Uint8Array): Promise<void> {
    this.#tell('checkCurrentSerialInTransaction', [takeOid(oid), takeTid('serial', serial)]);
    await this.#context.connection.drained();
  }

  /**
   * Deletes an object, if the server's storage supports that (`ZODB.interfaces.IExternalGC`).
   *
   * @param oid 8 bytes
   * @param serial the transaction that wrote its current revision, 8 bytes
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
   * @throws as {@link store}; if it cannot be undone, the vote rejects with an UndoError
   */
  async undo(transactionId: Uint8Array): Promise<void> {
    if (!(transactionId instanceof Uint8Array))
      throw invalidArgument('transactionId', 'the id of an undoLog entry (a Uint8Array)', transactionId);
    this.#tell('undoa', [transactionId]);
    await this.#context.connection.drained();
  }

  /**
   * The first phase: the server checks everything, and promises to commit it.
   *
   * @returns the ids of the objects whose new state is not the stored one, because it comes from a resolved conflict or an
   *   undo: load them again
   * @throws ConflictError, ReadConflictError, POSKeyError, UndoError; StorageTransactionError; ClientDisconnected;
   *   `signal.reason`. The transaction can then only be aborted. StorageTransactionError, too, if it is aborted meanwhile
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
      // If it was aborted meanwhile, it has ended and must stay so.
      if (this.isActive) this.#phase = 'failed';
      // Most likely an invalidation was missed: from the cache, the next attempt would get the same conflict.
      if (error instanceof ConflictError && error.oid !== undefined)
        this.#context.freshness.cache.forgetCurrent(error.oid);
      throw error;
    } finally {
      if (signal !== undefined) unwatchAbort(signal, caller);
    }
  }

  /**
   * The second phase: commits, and updates the storage's cache and `lastTransaction()`.
   *
   * @returns the transaction's id, 8 bytes
   * @throws OutcomeUnknown if the connection is lost on the way, or the server answers with an exception or a malformed
   *   reply, which ends the connection; StorageTransactionError without a vote, and if the server no longer knows the
   *   transaction, which then was not committed
   */
  async tpcFinish(): Promise<Uint8Array> {
    this.#require('voted', 'tpcFinish');
    this.#phase = 'finishing';
    const { id, connection, freshness, commitId, release } = this.#context;
    const since = copyId(freshness.lastTid as Uint8Array);
    let tid: Uint8Array | null;
    try {
      // In wire order: the next notification may already be about a later transaction.
      tid = await connection.callInOrder('tpc_finish', [id], {
        replied: (reply) => {
          const tid = readFinish(reply);
          if (tid !== null) freshness.committed(tid, this.#changes);
          return tid;
        },
        // Whatever the failure, client and server may now disagree (`ZEO/asyncio/client.py: tpc_finish_co`).
        failed: (error) => connection.destroy(error),
      });
    } catch (error) {
      throw new OutcomeUnknown({ commitId, since }, error);
    } finally {
      this.#phase = 'ended';
      release();
    }
    // Only this reply proves that it was not committed: any exception may have been raised after the commit.
    if (tid === null) throw new StorageTransactionError(['The server does not know the transaction']);
    return tid;
  }

  /**
   * Aborts the transaction in any phase but the last. Does nothing if it has ended. Resolves when the server has answered,
   * or the connection is gone, even if a signal has aborted the vote.
   *
   * @throws StorageTransactionError while it is being finished
   */
  async tpcAbort(): Promise<void> {
    if (this.#phase === 'ended') return;
    if (this.#phase === 'finishing') throw this.#wrongPhase('tpcAbort');
    const { id, connection, release } = this.#context;
    this.#phase = 'ended';
    // A server never answers the vote of a transaction that is aborted while it waits for the commit lock.
    this.#voting?.abort(new StorageTransactionError(['The transaction was aborted while it was voted on']));
    try {
      // Without a connection there is nothing to send: the server aborts it when the connection is lost.
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

  /** It may be aborted during every wait: then nothing more must be sent. */
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

  /** A one-way call, with this transaction's id after its other arguments. */
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
    if (this.#phase !== phase) throw this.#wrongPhase(method);
    if (failure !== undefined)
      throw new ClientDisconnected('The connection of the transaction was lost', { cause: failure });
  }

  #wrongPhase(method: string): Error {
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

/** `null` if the server has no such transaction. */
function readFinish(reply: Value): Uint8Array | null {
  if (reply === null) return null;
  if (isTid(reply)) return copyId(reply);
  throw unexpectedReply('tpc_finish', 'a transaction id', reply);
}

function takeRecord(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw invalidArgument('data', 'a Uint8Array', value);
}
