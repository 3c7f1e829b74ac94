import { unlessAborted } from '../../async/abort-watch.js';
import { copyId, isId } from '../../zodb/ids.js';
import type { Connection } from '../connection/connection.js';
import { unexpectedReply } from '../connection/unexpected-reply.js';
import type { Value } from '../encoding/values.js';

/** What a server gives at most (`ZEO/StorageServer.py: new_oids`). */
const maxOids = 100;

/**
 * Object ids that the server has given this client, a hundred at a time.
 *
 * They are forgotten with the connection that brought them: a server that has restarted no longer knows whom it gave what
 * was never stored.
 */
export class OidPool {
  #connection: Connection | undefined;
  #oids: Uint8Array[] = [];
  #fetching: Promise<void> | undefined;

  /**
   * An id that no object has.
   *
   * @throws `signal.reason`; what was asked for is for the others who wait, and for who comes next
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
      // In the order in which they were given out, from the end.
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
