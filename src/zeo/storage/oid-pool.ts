import { unlessAborted } from '../../async/abort-watch.js';
import { copyId, isId } from '../../zodb/ids.js';
import type { Connection } from '../connection/connection.js';
import { unexpectedReply } from '../connection/unexpected-reply.js';
import type { Value } from '../encoding/values.js';

/** The most that a server returns at a time (`ZEO/StorageServer.py: new_oids`). */
const maxOids = 100;

/**
 * Object ids that the server has reserved for this client, fetched a hundred at a time.
 *
 * Rules:
 * - They are discarded with the connection that they came on: a restarted server may hand out ids again that were never
 *   stored.
 * - One request at a time, shared by all callers that wait.
 */
export class OidPool {
  #connection: Connection | undefined;
  #oids: Uint8Array[] = [];
  #fetching: Promise<void> | undefined;

  /**
   * An unused object id.
   *
   * @throws `signal.reason`; the request goes on, for other waiting callers and later ones
   */
  async take(connection: Connection, signal?: AbortSignal): Promise<Uint8Array> {
    for (;;) {
      signal?.throwIfAborted();
      if (this.#connection !== connection) {
        this.#connection = connection;
        this.#oids = [];
        this.#fetching = undefined;
      }
      const oid = this.#oids.pop();
      if (oid !== undefined) return oid;
      this.#fetching ??= this.#fetch(connection);
      await unlessAborted(this.#fetching, signal);
    }
  }

  async #fetch(connection: Connection): Promise<void> {
    try {
      const oids = readNewOids(await connection.call('new_oids', []));
      // Reversed, so that `pop` returns them in the order of the reply.
      if (this.#connection === connection) this.#oids = oids.map(copyId).reverse();
    } finally {
      if (this.#connection === connection) this.#fetching = undefined;
    }
  }
}

function readNewOids(reply: Value): readonly Uint8Array[] {
  const isSome = Array.isArray(reply) && reply.length > 0 && reply.length <= maxOids;
  if (isSome && reply.every(isId)) return reply;
  throw unexpectedReply('new_oids', `1 to ${maxOids} object ids`, reply);
}
