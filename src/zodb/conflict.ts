/** A conflict of two transactions that changed the same object: the three records to resolve it from. */
export interface StoreConflict {
  /** 8 bytes. */
  readonly oid: Uint8Array;
  /** The record that both started from. */
  readonly oldData: Uint8Array;
  /** The record that the other one committed. */
  readonly committedData: Uint8Array;
  /** The record that this one wants to commit. */
  readonly newData: Uint8Array;
}

/**
 * Resolves conflicts as a class's `_p_resolveConflict` does in Python.
 *
 * Returns the record to commit instead, or `undefined` if there is none: the transaction then fails with a
 * `ConflictError`, as it does if this throws.
 */
export type ConflictResolver = (conflict: StoreConflict) => Uint8Array | undefined;

/** A conflict that the server leaves to its clients (its setting `client-conflict-resolution`). */
export interface Conflict {
  /** 8 bytes. */
  readonly oid: Uint8Array;
  /** The current revision of the object, and the one that this transaction read; 8 bytes each. */
  readonly serials: readonly [committed: Uint8Array, read: Uint8Array];
  /** The record that this transaction has stored. */
  readonly data: Uint8Array;
}

/** Resolves to the record to store instead, or to `undefined` if there is none, which is a ConflictError. */
export type ResolveConflict = (
  conflict: Conflict,
  signal: AbortSignal | undefined,
) => Promise<Uint8Array | undefined> | Uint8Array | undefined;
