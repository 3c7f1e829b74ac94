import type { LoadLock } from '../../async/load-lock.js';
import { SingleFlight } from '../../async/single-flight.js';
import { ClientDisconnected, KeepAliveError } from '../../model/errors.js';
import { idFromBigInt, idKey, idToBigInt, isLater } from '../../zodb/ids.js';
import { POSKeyError, ServerError } from '../../zodb/pos-exception.js';
import type { Supervisor } from '../reconnect/supervisor.js';
import type { Freshness } from './freshness.js';
import { type PastRevision, readRevision } from './revision.js';

const prefetchesAtOnce = 256;

/**
 * Serves loads from the cache or from the server.
 *
 * Rules:
 * - While there is a connection the cache may answer: it has seen every invalidation of that connection.
 * - Without one it answers only what no server could contradict: about the time up to the last known transaction. What is
 *   current *now* has to wait for a server.
 * - A load whose reply was overtaken by an invalidation is sent again: no caller gets a revision as current that is known
 *   to be outdated.
 */
export class Loader {
  readonly #supervisor: Supervisor;
  readonly #freshness: Freshness;
  readonly #lock: LoadLock;
  readonly #inFlight = new SingleFlight<PastRevision | null>();

  constructor(supervisor: Supervisor, freshness: Freshness, lock: LoadLock) {
    this.#supervisor = supervisor;
    this.#freshness = freshness;
    this.#lock = lock;
  }

  /** The ids are not copied: the caller must not modify them. */
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

  /** The cached revision, if the rules above let the cache answer now. */
  cached(key: string, tid: Uint8Array): PastRevision | undefined {
    const { closed, connection } = this.#supervisor;
    if (closed !== undefined) return undefined;
    const found = this.#freshness.cache.loadBefore(key, tid);
    if (found === undefined || connection !== undefined) return found;
    return found.endTid !== null || this.#isPast(tid) ? found : undefined;
  }

  /** Whether the state just before `tid` can no longer change: `tid` is at most the last known transaction plus one. */
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
      // Before taking the lock: waiting for a server would keep pings waiting for too long.
      await this.#supervisor.whenReady(signal);
      const release = await this.#lock.share(signal);
      const pending = cache.beginLoad(key);
      try {
        const { connection } = this.#supervisor;
        // Lost while waiting for the lock: a failed ping had it.
        if (connection === undefined) continue;
        const revision = readRevision(await connection.call('loadBefore', [oid, tid], signal), tid);
        if (revision === null ? pending.isAbsenceOvertaken(tid) : pending.isOvertaken(revision)) continue;
        if (revision !== null) cache.store(key, revision);
        return revision;
      } catch (error) {
        if (!(error instanceof POSKeyError && pending.isAbsenceOvertaken(tid))) throw error;
      } finally {
        pending.done();
        release();
      }
    }
  }

  /**
   * Loads the objects that are not cached, a few hundred at a time.
   *
   * @throws ClientDisconnected if there is no connection, or it is lost
   */
  async prefetch(oids: readonly Uint8Array[], tid: Uint8Array, signal?: AbortSignal): Promise<void> {
    const missing = oids.filter((oid) => this.cached(idKey(oid), tid) === undefined);
    if (missing.length === 0) return;
    const { connection, closed } = this.#supervisor;
    if (connection === undefined)
      throw closed ?? new ClientDisconnected('Cannot prefetch: there is no connection');
    const queue = missing.values();
    const work = async () => {
      for (const oid of queue) await this.loadBefore(oid, tid, signal).catch(ignoreIfUnloadable);
    };
    await Promise.all(Array.from({ length: Math.min(prefetchesAtOnce, missing.length) }, work));
  }
}

/** A missing or too large object is not an error yet: the caller may never load it. */
function ignoreIfUnloadable(error: unknown): void {
  const isTooLarge = error instanceof KeepAliveError && error.code === 'ERR_ZEO_FRAME_TOO_LARGE';
  if (!isTooLarge && !(error instanceof ServerError)) throw error;
}
