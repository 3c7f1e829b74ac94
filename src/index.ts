/** Keeps long-lived ZEO connections alive from a worker thread, and knows within seconds when one is dead. */
export { KeepAlive } from './agent/keep-alive.js';
export type { StorageState } from './agent/member.js';
export type { RoundTripSummary } from './agent/round-trips.js';
export type { DeathStatus, ErrorStatus, KeepAliveStatus, StorageStatus } from './agent/status.js';
export {
  type Database,
  databases,
  StorageRegistry,
  type StorageRegistryEvents,
} from './agent/storage-registry.js';
export { type HostContext, initialize, startThread, stopThread } from './agent/thread.js';
export type { Cause, Diagnosis, SocketPorts } from './diagnosis.js';
export { ClientDisconnected, type ErrorCode, KeepAliveError } from './errors.js';
export {
  channels,
  type PingResult,
  type PingTraceContext,
  type PublishedFactName,
  pingChannel,
} from './observability/channels.js';
export type {
  ConnectionReplaced,
  Fact,
  FactName,
  KeepAliveEvents,
  PingFailed,
  PingSucceeded,
  StorageBack,
  StorageDied,
  StorageDown,
  StorageFact,
  Verdict,
  WorkerLost,
  WorkerStarted,
} from './observability/facts.js';
export type { LevelName } from './observability/log.js';
export type { PlainLogger } from './observability/plain-sink.js';
export type { Stall } from './rpc/contract.js';
export type { KeepAliveOptions } from './settings.js';
export type { KeepAliveStorage, Lock } from './storage.js';
