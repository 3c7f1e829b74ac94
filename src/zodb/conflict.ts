/** Two transactions changed the same object: the three records that the one who settles it has to go on. */
export interface Conflict {
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
export type ConflictResolver = (conflict: Conflict) => Uint8Array | undefined;
