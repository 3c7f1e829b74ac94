import type { Value } from '../protocol/values.js';

/** Who committed, and why: text as bytes, as ZODB keeps it. */
export interface TransactionMeta {
  readonly user: Value;
  readonly description: Value;
  readonly extension: Value;
}

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
  | { readonly kind: 'check'; readonly oid: Uint8Array; readonly serial: Uint8Array };

/** A client's transaction between `tpc_begin` and its end: what it is to do is collected, and done at the vote. */
export class PendingTransaction {
  /** The client's own name for it. */
  readonly id: Value;
  readonly meta: TransactionMeta;
  /** The transaction id that the client demands, when it copies a database. */
  readonly tid: Uint8Array | null;
  readonly operations: Operation[] = [];
  /** The vote went well: only `tpc_finish` or an abort can follow. */
  voted = false;

  constructor(id: Value, meta: TransactionMeta, tid: Uint8Array | null) {
    this.id = id;
    this.meta = meta;
    this.tid = tid;
  }

  /** Clients name transactions by integers or bytes. */
  is(id: Value | undefined): boolean {
    if (id instanceof Uint8Array && this.id instanceof Uint8Array) return Buffer.compare(id, this.id) === 0;
    return id === this.id;
  }
}
