import type { ServerError } from '../../model/errors.js';
import type { Value } from '../encoding/values.js';

/**
 * One step of a transaction. `serial` is the state of the object that the client based it on: mostly 8 bytes, but a client may
 * say anything of an object that there is not, as ZODB's own do.
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
  /** A revision of another database, whatever is here; `null` for one without a record. */
  | {
      readonly kind: 'restore';
      readonly oid: Uint8Array;
      readonly data: Uint8Array | null;
      /** The transaction whose record it puts back, or `null`: whatever the client says. */
      readonly origin: Value;
    }
  /** Takes back what a transaction did. */
  | { readonly kind: 'undo'; readonly tid: Uint8Array }
  /** One with arguments that no operation can have: the vote fails with that error. */
  | { readonly kind: 'invalid'; readonly error: ServerError };
