/** What helps to test a program that speaks ZEO, where no Python is at hand: `zeo-keepalive/testing`. */

export type { Invalidations } from './zeo/server/invalidation-queue.js';
export {
  type Change,
  MemoryStorage,
  type MemoryStorageOptions,
  type StorageObserver,
} from './zeo/server/memory-storage.js';
export type { TransactionMeta } from './zeo/server/pending-transaction.js';
export type { LoadedRevision } from './zeo/server/revisions.js';
export type { ServerConnection } from './zeo/server/server-connection.js';
export { nextTid, tidAt, tidTime } from './zeo/server/tid.js';
export {
  type ServerCall,
  ZeoServer,
  type ZeoServerEvents,
  type ZeoServerOptions,
} from './zeo/server/zeo-server.js';
