/** Keeps long-lived ZEO connections alive from a worker thread, and knows within seconds when one is dead. */
export { type HealthHandler, healthHandler } from './agent/health-handler.js';
export { KeepAlive } from './agent/keep-alive.js';
export type { RoundTripSummary } from './agent/ping/round-trips.js';
export type { ConnectionState } from './agent/ping/tracked-target.js';
export type { KeepAliveOptions } from './agent/settings.js';
export type {
  ConnectionStatus,
  DeathStatus,
  ErrorStatus,
  KeepAliveStatus,
  StatusOptions,
} from './agent/status.js';
export {
  type Database,
  type DatabaseRegistry,
  databases,
  StorageRegistry,
  type StorageRegistryEvents,
} from './agent/storage-registry.js';
export { type HostContext, initialize, startThread, stopThread } from './agent/thread.js';
export type { ConnectionOpened, ConnectionSource } from './model/connection-source.js';
export { ClientDisconnected, type ErrorCode, KeepAliveError } from './model/errors.js';
export type {
  ConnectionBackEvent,
  ConnectionDiedEvent,
  ConnectionDownEvent,
  ConnectionEvent,
  ConnectionReplacedEvent,
  EventName,
  EventOf,
  KeepAliveEvents,
  PingFailedEvent,
  PingSucceededEvent,
  Stall,
  Verdict,
  WorkerLostEvent,
  WorkerStartedEvent,
} from './model/events.js';
export type { KeepAliveTarget, Lock, Outgoing } from './model/target.js';
export {
  channels,
  type PingTraceContext,
  type PublishedEventName,
  pingChannel,
} from './observability/channels.js';
export type { LevelName } from './observability/log.js';
export type { PlainLogger } from './observability/plain-sink.js';
export type { SocketSelection } from './sockets/matcher.js';
export type { Cause, Diagnosis, SocketPorts } from './tcp/diagnosis.js';
export type { SocketBounds } from './threads/budgets.js';
