import { ProtocolError } from '../errors.js';
import type { Connection } from './connection.js';
import { copyId, isId } from './ids.js';

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

  /** An id that no object has. */
  async take(connection: Connection): Promise<Uint8Array> {
    for (;;) {
      if (this.#connection !== connection) {
        this.#connection = connection;
        this.#oids = [];
        this.#fetching = undefined;
      }
      const oid = this.#oids.pop();
      if (oid !== undefined) return oid;
      this.#fetching ??= this.#fetch(connection);
      await this.#fetching;
    }
  }

  async #fetch(connection: Connection): Promise<void> {
    try {
      const oids = await connection.call('new_oids', []);
      if (!Array.isArray(oids) || oids.length === 0 || !oids.every(isId))
        throw new ProtocolError('The server answered new_oids with something that is no list of object ids');
      // In the order in which they were given out, from the end.
      if (this.#connection === connection) this.#oids = oids.map(copyId).reverse();
    } finally {
      if (this.#connection === connection) this.#fetching = undefined;
    }
  }
}
