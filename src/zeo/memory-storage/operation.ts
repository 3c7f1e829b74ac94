/** One step of a transaction. `serial` is the state of the object that the client based it on. */
export type Operation =
  | {
      readonly kind: 'store';
      readonly oid: Uint8Array;
      readonly serial: Uint8Array;
      readonly data: Uint8Array;
    }
  | { readonly kind: 'delete'; readonly oid: Uint8Array; readonly serial: Uint8Array }
  /** The object has to be unchanged. */
  | { readonly kind: 'check'; readonly oid: Uint8Array; readonly serial: Uint8Array }
  /** A revision of another database, whatever is here; `null` for one without a record. */
  | {
      readonly kind: 'restore';
      readonly oid: Uint8Array;
      readonly data: Uint8Array | null;
      readonly origin: Uint8Array | null;
    }
  /** Takes back what a transaction did. */
  | { readonly kind: 'undo'; readonly tid: Uint8Array };
