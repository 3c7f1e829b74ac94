/** How many objects a storage has, and roughly how many bytes they take. */
export type StorageSize = { readonly length: number; readonly size: number };

/** Someone who is told of every transaction that it has not committed itself. */
export interface StorageObserver {
  invalidate(tid: Uint8Array, oids: readonly Uint8Array[]): void;
  /** The storage was packed. */
  resized(now: StorageSize): void;
}
