/** What helps to test a program that speaks ZEO, where no Python is at hand: `zeo-keepalive/testing`. */

export type { Conflict, ConflictResolver } from './zeo/server/conflict.js';
export type { Invalidations } from './zeo/server/invalidation-queue.js';
export { type Change, MemoryStorage } from './zeo/server/memory-storage.js';
export type { MemoryStorageOptions } from './zeo/server/memory-storage-options.js';
export type { ReferencesOf } from './zeo/server/packing.js';
export type { LoadedRevision, Revision } from './zeo/server/revisions.js';
export type { ServerConnection } from './zeo/server/server-connection.js';
export type { StorageObserver, StorageSize } from './zeo/server/storage-observer.js';
export { nextTid, tidAt, tidTime } from './zeo/server/tid.js';
export type { StoredTransaction, TransactionMeta, TransactionStatus } from './zeo/server/transaction-log.js';
export {
  type ServerCall,
  ZeoServer,
  type ZeoServerEvents,
  type ZeoServerOptions,
} from './zeo/server/zeo-server.js';
