/**
 * What the agent tells: the facts, each in the past tense, that its listeners and the channels get. Durations are in
 * milliseconds. What is in them belongs to whoever gets them; nobody else looks at it again.
 */
import type { Cause, Diagnosis } from '../tcp/diagnosis.js';
import type { KeepAliveError } from './errors.js';

/** What a ping came to. */
export type Verdict =
  /** The answer came. */
  | 'alive'
  /** The application holds the load lock. Bytes come, so all is well; or else the ping goes out without the lock. */
  | 'busy'
  /** The answer did not come within the timeout, but other bytes did. */
  | 'slow'
  /** Bytes had come within the period, so no ping was needed (`skipActive`). */
  | 'active'
  /** The main loop or the process stood still meanwhile: nobody was judged by it, and another ping is out. */
  | 'stalled'
  /** The storage answered with an error, or lost its connection by itself. */
  | 'failed'
  /** The peer was silent, and its connection has been destroyed. */
  | 'dead';

export interface Stall {
  /** `loop`: the main loop did not turn; `process`: the worker did not run either. */
  readonly of: 'loop' | 'process';
  readonly durationMs: number;
}

/** Which storage it is about, and which of its connections. */
export interface StorageFact {
  /** The name that the registry has the storage by. */
  readonly name: string;
  /** The server that the connection is, or was, to, if the storage tells. */
  readonly address: string | undefined;
  /** Which connection of the storage, as it counts them; `undefined` while it has not been seen with any. */
  readonly generation: number | undefined;
}

export interface PingSucceeded extends StorageFact {
  /** `undefined` when other bytes than the answer proved the server alive. */
  readonly roundTripMs: number | undefined;
  readonly evidence: 'answer' | 'bytes';
  readonly verdict: Extract<Verdict, 'alive' | 'busy' | 'slow'>;
}

export interface PingFailed extends StorageFact {
  readonly error: unknown;
}

export interface StorageDied extends StorageFact {
  /** What everything that waited on the connection has failed with, as the cause. */
  readonly error: KeepAliveError;
  /** How long the peer was silent after a ping, counting only time in which this process listened. */
  readonly silentMs: number;
  /**
   * From the last byte of the peer to the verdict: not longer ago did it die. Where the storage does not tell when bytes
   * come, from the ping.
   */
  readonly timeToDetectMs: number;
  readonly diagnosis: Diagnosis;
  /** The diagnosis in words. */
  readonly explanation: string;
}

export interface StorageDown extends StorageFact {
  /** Since the storage lost its connection, if it tells (`lostAt`); else since the agent noticed. */
  readonly downForMs: number;
  readonly cause: Cause;
  /** Why the last attempt to connect failed, if the storage tells. */
  readonly error: unknown;
}

export interface StorageBack extends StorageFact {
  /** Since the storage lost its connection, if it tells (`lostAt`); else since the agent noticed. */
  readonly downForMs: number;
  /** What it was, as the way back showed it. */
  readonly cause: Cause;
  /** The cause in words. */
  readonly explanation: string;
}

export interface ConnectionReplaced extends StorageFact {
  /** The connection that the agent saw before. */
  readonly previousGeneration: number;
}

export interface WorkerStarted {
  /** How many threads there were before it since the agent was started. */
  readonly restarts: number;
}

export interface WorkerLost {
  /** Its `cause` is what the thread died of, if that is known. */
  readonly error: KeepAliveError;
  /** After so long another one is started. */
  readonly retryInMs: number;
}

/** The events of `KeepAlive`. A listener gets one object. */
export interface KeepAliveEvents {
  /** A ping is due and begins. */
  pingStarted: [StorageFact];
  pingSucceeded: [PingSucceeded];
  /** The storage answered with an error, or lost its connection by itself. */
  pingFailed: [PingFailed];
  /** The peer was silent: its connection has been destroyed. */
  storageDied: [StorageDied];
  /** A ping was due and the storage was not connected. Comes again with each period. */
  storageDown: [StorageDown];
  /** A storage that was down, or dead, is connected again. */
  storageBack: [StorageBack];
  /** Between two pings a storage lost its connection and got another, by itself. */
  connectionReplaced: [ConnectionReplaced];
  /** The main loop stood still while pings were out, or the whole process did at any time. Nobody was judged by it. */
  stalled: [Stall];
  /** The worker thread runs. */
  workerStarted: [WorkerStarted];
  /** The worker thread ended by itself, hung, or could not be started; it is tried again. */
  workerLost: [WorkerLost];
}

export type FactName = keyof KeepAliveEvents;
export type Fact<Name extends FactName> = KeepAliveEvents[Name][0];
