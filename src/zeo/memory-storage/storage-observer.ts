/** The number of objects of a storage, and their approximate size in bytes. */
export type StorageSize = { readonly length: number; readonly size: number };

/** Is notified of each transaction that it did not commit itself. */
export interface StorageObserver {
  invalidate(tid: Uint8Array, oids: readonly Uint8Array[]): void;
  /** The storage was packed. */
  resized(now: StorageSize): void;
}
