/** Keeps long-lived ZEO connections alive from a worker thread, and knows within seconds when one is dead. */
export { KeepAlive } from './agent/keep-alive.js';
export type { RoundTripSummary } from './agent/ping/round-trips.js';
export type { StorageState } from './agent/ping/target-state.js';
export type { KeepAliveOptions } from './agent/settings.js';
export type { DeathStatus, ErrorStatus, KeepAliveStatus, StorageStatus } from './agent/status.js';
export {
  type Database,
  type DatabaseRegistry,
  databases,
  StorageRegistry,
  type StorageRegistryEvents,
} from './agent/storage-registry.js';
export { type HostContext, initialize, startThread, stopThread } from './agent/thread.js';
export { ClientDisconnected, type ErrorCode, KeepAliveError } from './model/errors.js';
export type {
  ConnectionReplaced,
  Fact,
  FactName,
  KeepAliveEvents,
  PingFailed,
  PingSucceeded,
  Stall,
  StorageBack,
  StorageDied,
  StorageDown,
  StorageFact,
  Verdict,
  WorkerLost,
  WorkerStarted,
} from './model/events.js';
export type { KeepAliveStorage, Lock } from './model/target.js';
export {
  channels,
  type PingResult,
  type PingTraceContext,
  type PublishedFactName,
  pingChannel,
} from './observability/channels.js';
export type { LevelName } from './observability/log.js';
export type { PlainLogger } from './observability/plain-sink.js';
export type { Cause, Diagnosis, SocketPorts } from './tcp/diagnosis.js';
