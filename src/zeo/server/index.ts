/**
 * Tools to test programs that use ZEO, without Python: `zeo-keepalive/testing`.
 *
 * @module testing
 */

export type { ConflictResolver, StoreConflict } from '../../zodb/conflict.js';
export { nextTid, tidAt, tidTime } from '../../zodb/tid.js';
export type { Invalidations } from '../memory-storage/invalidation-queue.js';
export { type Change, MemoryStorage } from '../memory-storage/memory-storage.js';
export type { MemoryStorageOptions } from '../memory-storage/memory-storage-options.js';
export type { ReferencesOf } from '../memory-storage/packing.js';
export type { LoadedRevision, ObjectRevision } from '../memory-storage/revisions.js';
export type { StorageObserver, StorageSize } from '../memory-storage/storage-observer.js';
export type {
  LoggedTransaction,
  TransactionMeta,
  TransactionStatus,
} from '../memory-storage/transaction-log.js';
export type { ServerConnection } from './server-connection.js';
export {
  type ServerCall,
  ZeoServer,
  type ZeoServerEvents,
  type ZeoServerOptions,
} from './zeo-server.js';
