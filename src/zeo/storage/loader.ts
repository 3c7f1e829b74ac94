import type { LoadLock } from '../../async/load-lock.js';
import { InFlight } from '../../async/single-flight.js';
import { ClientDisconnected, KeepAliveError } from '../../model/errors.js';
import { idFromBigInt, idKey, idToBigInt, isLater } from '../../zodb/ids.js';
import { POSKeyError, ServerError } from '../../zodb/pos-exception.js';
import type { Supervisor } from '../reconnect/supervisor.js';
import type { Freshness } from './freshness.js';
import { type PastRevision, readRevision } from './revision.js';

const prefetchesAtOnce = 256;

/**
 * Answers loads, from the cache or from the server.
 *
 * Rules:
 * - The cache answers while there is a connection: it knows all that this connection has told.
 * - Without one it answers what no server could answer otherwise: about the time up to the last transaction that is
 *   known of. What is current *now* has to wait for a server.
 * - An answer that was overtaken by an invalidation is asked for again: nobody gets a revision as the current one that
 *   is known to be none.
 */
export class Loader {
  readonly #supervisor: Supervisor;
  readonly #freshness: Freshness;
  readonly #lock: LoadLock;
  readonly #inFlight = new InFlight<PastRevision | null>();

  constructor(supervisor: Supervisor, freshness: Freshness, lock: LoadLock) {
    this.#supervisor = supervisor;
    this.#freshness = freshness;
    this.#lock = lock;
  }

  /** The ids are not copied: they must stay as they are. */
  loadBefore(oid: Uint8Array, tid: Uint8Array, signal?: AbortSignal): Promise<PastRevision | null> {
    const key = idKey(oid);
    const cached = this.cached(key, tid);
    if (cached !== undefined) {
      return signal?.aborted ? Promise.reject(signal.reason) : Promise.resolve(cached);
    }
    return this.#inFlight.join(
      key + idKey(tid),
      (abandoned) => this.#fetch(key, oid, tid, abandoned),
      signal,
    );
  }

  /** What the cache may answer at this moment. */
  cached(key: string, tid: Uint8Array): PastRevision | undefined {
    const { closed, connection } = this.#supervisor;
    if (closed !== undefined) return undefined;
    const found = this.#freshness.cache.loadBefore(key, tid);
    if (found === undefined || connection !== undefined) return found;
    return found.endTid !== null || this.#isPast(tid) ? found : undefined;
  }

  /** Whether what was current just before a transaction is decided: "before the next one" is as of the last. */
  #isPast(tid: Uint8Array): boolean {
    const { lastTid } = this.#freshness;
    return lastTid !== undefined && !isLater(tid, idFromBigInt(idToBigInt(lastTid) + 1n));
  }

  async #fetch(
    key: string,
    oid: Uint8Array,
    tid: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<PastRevision | null> {
    const { cache } = this.#freshness;
    for (;;) {
      // Not with the lock: waiting for a server takes longer than any ping may be kept waiting.
      await this.#supervisor.whenReady(signal);
      const release = await this.#lock.share(signal);
      const expected = cache.expect(key);
      try {
        const { connection } = this.#supervisor;
        // Lost while a ping had the lock: that ping is why.
        if (connection === undefined) continue;
        const revision = readRevision(await connection.call('loadBefore', [oid, tid], signal), tid);
        if (revision === null ? expected.isAbsenceOvertaken(tid) : expected.isOvertaken(revision)) continue;
        if (revision !== null) cache.store(key, revision);
        return revision;
      } catch (error) {
        if (!(error instanceof POSKeyError && expected.isAbsenceOvertaken(tid))) throw error;
      } finally {
        expected.done();
        release();
      }
    }
  }

  /**
   * Loads into the cache what is not there, a few hundred at a time.
   *
   * @throws ClientDisconnected when there is no connection, or it is lost
   */
  async prefetch(oids: readonly Uint8Array[], tid: Uint8Array, signal?: AbortSignal): Promise<void> {
    const missing = oids.filter((oid) => this.cached(idKey(oid), tid) === undefined);
    if (missing.length === 0) return;
    const { connection, closed } = this.#supervisor;
    if (connection === undefined)
      throw closed ?? new ClientDisconnected('There is no connection to prefetch on');
    const queue = missing.values();
    const work = async () => {
      for (const oid of queue) await this.loadBefore(oid, tid, signal).catch(ignoreAnswer);
    };
    await Promise.all(Array.from({ length: Math.min(prefetchesAtOnce, missing.length) }, work));
  }
}

/** An object that does not exist, or is too large, is not worth an error here: nobody asked for it yet. */
function ignoreAnswer(error: unknown): void {
  const isTooLarge = error instanceof KeepAliveError && error.code === 'ERR_ZEO_FRAME_TOO_LARGE';
  if (!isTooLarge && !(error instanceof ServerError)) throw error;
}
