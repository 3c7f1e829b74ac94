/**
 * The events of the agent, each in the past tense, as its listeners and the channels get them. Durations are in
 * milliseconds. An event belongs to its receivers: the agent does not look at it again.
 */
import type { Cause, Diagnosis } from '../tcp/diagnosis.js';
import type { KeepAliveError } from './errors.js';

/** What a ping came to. */
export type Verdict =
  /** The reply came. */
  | 'alive'
  /**
   * The application holds the lock, or a request of it is out on a connection that answers in order. Bytes come, so all is
   * well; otherwise the ping is sent without the lock.
   */
  | 'busy'
  /** The reply did not come within the timeout, but other bytes did. */
  | 'slow'
  /** Bytes had come within the period, so no ping was needed (`skipActive`). */
  | 'active'
  /** The main loop or the process was stalled meanwhile: the ping proves nothing, and another one is out. */
  | 'stalled'
  /** The target answered with an error, or lost its connection by itself. */
  | 'failed'
  /** The peer was silent, and its connection has been destroyed. */
  | 'dead'
  /** Nobody is interested any more: the target was closed, the agent stopped, or the connection is gone. */
  | 'abandoned';

export interface Stall {
  /** `loop`: the main loop was blocked; `process`: the worker did not run either. */
  readonly of: 'loop' | 'process';
  readonly durationMs: number;
}

/** Which target it is about, and which of its connections. */
export interface ConnectionEvent {
  /** The target's name in the registry. */
  readonly name: string;
  /** The server at the other end, if the target knows it. */
  readonly address: string | undefined;
  /** Which connection of the target, as it counts them; `undefined` while it has not been seen with any. */
  readonly generation: number | undefined;
}

export interface PingSucceededEvent extends ConnectionEvent {
  /** `undefined` when other bytes than the reply proved the server alive. */
  readonly roundTripMs: number | undefined;
  readonly evidence: 'answer' | 'bytes';
  readonly verdict: Extract<Verdict, 'alive' | 'busy' | 'slow'>;
}

export interface PingFailedEvent extends ConnectionEvent {
  readonly error: unknown;
}

export interface ConnectionDiedEvent extends ConnectionEvent {
  /** What everything that waited on the connection has failed with, as the cause. */
  readonly error: KeepAliveError;
  /** How long the peer was silent after a ping, counting only time in which this process listened. */
  readonly silentMs: number;
  /**
   * From the last byte of the peer to the verdict; it did not die before that byte. From the ping, where it is unknown when
   * bytes came.
   */
  readonly timeToDetectMs: number;
  readonly diagnosis: Diagnosis;
  /** The diagnosis in words. */
  readonly explanation: string;
}

export interface ConnectionDownEvent extends ConnectionEvent {
  /** Since the target lost its connection, if it knows (`lostAt`); otherwise since the agent noticed. */
  readonly downForMs: number;
  readonly cause: Cause;
  /** Why the last attempt to connect failed, if the target knows. */
  readonly error: unknown;
}

export interface ConnectionBackEvent extends ConnectionEvent {
  /** Since the target lost its connection, if it knows (`lostAt`); otherwise since the agent noticed. */
  readonly downForMs: number;
  /** Why it was down, as refined by how it came back. */
  readonly cause: Cause;
  /** The cause in words. */
  readonly explanation: string;
}

export interface ConnectionReplacedEvent extends ConnectionEvent {
  /** The connection that the agent saw before. */
  readonly previousGeneration: number;
}

export interface WorkerStartedEvent {
  /** How many threads there were before it since the agent was started. */
  readonly restarts: number;
}

export interface WorkerLostEvent {
  /** Its `cause` is why the thread ended, if that is known. */
  readonly error: KeepAliveError;
  /** When another one is started. */
  readonly retryInMs: number;
}

/** The events of `KeepAlive`. A listener gets one object. */
export interface KeepAliveEvents {
  /** A ping is due and begins. */
  pingStarted: [ConnectionEvent];
  pingSucceeded: [PingSucceededEvent];
  /** The target answered with an error, or lost its connection by itself. */
  pingFailed: [PingFailedEvent];
  /** The peer was silent: its connection has been destroyed. */
  connectionDied: [ConnectionDiedEvent];
  /** A ping was due and the target was not connected. Repeated with each period. */
  connectionDown: [ConnectionDownEvent];
  /** A target that was down, or dead, is connected again. */
  connectionBack: [ConnectionBackEvent];
  /** Between two pings a target lost its connection and got another, by itself. */
  connectionReplaced: [ConnectionReplacedEvent];
  /** The main loop was blocked while pings were out, or the whole process did not run. No verdict counts that time. */
  stalled: [Stall];
  /** The worker thread runs. */
  workerStarted: [WorkerStartedEvent];
  /** The worker thread ended by itself, hung, or could not be started; it is tried again. */
  workerLost: [WorkerLostEvent];
}

export type EventName = keyof KeepAliveEvents;
export type EventOf<Name extends EventName> = KeepAliveEvents[Name][0];
