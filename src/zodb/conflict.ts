/** Two transactions changed the same object: the three records that the one who settles it has to go on. */
export interface StoreConflict {
  /** 8 bytes. */
  readonly oid: Uint8Array;
  /** What both started from. */
  readonly oldData: Uint8Array;
  /** What the other one has committed. */
  readonly committedData: Uint8Array;
  /** What this one wants to commit. */
  readonly newData: Uint8Array;
}

/**
 * Settles conflicts as a class's `_p_resolveConflict` does in Python, where the classes are.
 *
 * Returns the record to commit instead, or `undefined` where there is none: the transaction then fails with a
 * `ConflictError`. So it does when this throws.
 */
export type ConflictResolver = (conflict: StoreConflict) => Uint8Array | undefined;

/** A conflict that the server leaves to its clients (its setting `client-conflict-resolution`). */
export interface Conflict {
  /** 8 bytes. */
  readonly oid: Uint8Array;
  /** The transaction that wrote the object as it is now, and the one that this transaction had read; 8 bytes each. */
  readonly serials: readonly [committed: Uint8Array, read: Uint8Array];
  /** The record that this transaction has stored. */
  readonly data: Uint8Array;
}

/** Resolves to the record to store instead, or to `undefined` when there is none: then it is a ConflictError. */
export type ResolveConflict = (
  conflict: Conflict,
  signal: AbortSignal | undefined,
) => Promise<Uint8Array | undefined> | Uint8Array | undefined;
