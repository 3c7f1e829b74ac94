import type { ConflictResolver } from '../../zodb/conflict.js';
import type { ReferencesOf } from './packing.js';

export interface MemoryStorageOptions {
  /** What `get_info` calls it. Default `MemoryStorage`. */
  readonly name?: string;
  /** How many transactions back a returning client can be brought up to date. Default 100. */
  readonly invalidationQueueSize?: number;
  /** Settles conflicts; without it every one is an error. */
  readonly resolveConflict?: ConflictResolver;
  /**
   * The oids that a record refers to, so that a pack also removes the objects that the root object does not lead to.
   * Default: it removes old revisions only.
   */
  readonly referencesOf?: ReferencesOf;
  /** Milliseconds since 1970. Default: the system's clock, to the microsecond. */
  readonly now?: () => number;
}
