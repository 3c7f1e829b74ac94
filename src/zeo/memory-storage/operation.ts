import type { ServerError } from '../../zodb/pos-exception.js';
import type { Value } from '../encoding/values.js';

/**
 * One step of a transaction. `serial` is the revision of the object that the client based it on: usually 8 bytes, but of a new
 * object a client may send anything, as ZODB's own do.
 */
export type Operation =
  | {
      readonly kind: 'store';
      readonly oid: Uint8Array;
      readonly serial: Value;
      readonly data: Uint8Array;
    }
  | { readonly kind: 'delete'; readonly oid: Uint8Array; readonly serial: Value }
  /** The object has to be unchanged. */
  | { readonly kind: 'check'; readonly oid: Uint8Array; readonly serial: Value }
  /** A revision copied from another database, without a check for conflicts; `null` for one without a record. */
  | {
      readonly kind: 'restore';
      readonly oid: Uint8Array;
      readonly data: Uint8Array | null;
      /** The transaction whose record it restores, as the client sent it; `null` if none. */
      readonly origin: Value;
    }
  /** Undoes a transaction. */
  | { readonly kind: 'undo'; readonly tid: Uint8Array }
  /** One with invalid arguments: it fails the vote with this error. */
  | { readonly kind: 'invalid'; readonly error: ServerError };
