import type { ConflictResolver } from '../../zodb/conflict.js';
import type { ReferencesOf } from './packing.js';

export interface MemoryStorageOptions {
  /** Its name in `get_info`. Default `MemoryStorage`. */
  readonly name?: string;
  /** How many transactions a client may have missed and still be brought up to date. Default 100. */
  readonly invalidationQueueSize?: number;
  /** Resolves conflicts; without it each is an error. */
  readonly resolveConflict?: ConflictResolver;
  /**
   * The oids that a record refers to, so that a pack also removes objects that cannot be reached from the root object.
   * Default: a pack removes old revisions only.
   */
  readonly referencesOf?: ReferencesOf;
  /** Milliseconds since 1970. Default: the system's clock, to the microsecond. */
  readonly now?: () => number;
}
