/**
 * The events of the agent, named in the past tense, as its listeners and the channels receive them. Durations are in
 * milliseconds. The agent does not use an event after emitting it.
 */
import type { Cause, Diagnosis } from '../tcp/diagnosis.js';
import type { KeepAliveError } from './errors.js';

/** The result of a ping. */
export type Verdict =
  /** The reply came. */
  | 'alive'
  /**
   * The application holds the lock, or has a request out on a connection that answers in order. Bytes are coming, so the
   * connection works; otherwise the ping is sent without the lock.
   */
  | 'busy'
  /** The reply did not come within the timeout, but other bytes did. */
  | 'slow'
  /** Bytes had come within the period, so no ping was needed (`skipActive`). */
  | 'active'
  /** The main loop or the process was stalled meanwhile: the ping proves nothing, and a new one has been sent. */
  | 'stalled'
  /** The target answered with an error, or lost its connection by itself. */
  | 'failed'
  /** The peer was silent, and its connection has been destroyed. */
  | 'dead'
  /** The result does not matter any more: the target was closed, the agent stopped, or the connection is gone. */
  | 'abandoned';

export interface Stall {
  /** `loop`: the main loop was blocked; `process`: the worker did not run either. */
  readonly of: 'loop' | 'process';
  readonly durationMs: number;
}

/** The target that an event is about, and which of its connections. */
export interface ConnectionEvent {
  /** The target's name in the registry. */
  readonly name: string;
  /** The server at the other end, if the target knows it. */
  readonly address: string | undefined;
  /** The number of the connection, as the target counts them; `undefined` until the agent has seen one. */
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
  /** The cause of the errors with which all pending calls on the connection have rejected. */
  readonly error: KeepAliveError;
  /**
   * How long the peer was silent after a ping, counting only time in which this process listened. Of a watched socket, how long
   * nothing was acknowledged.
   */
  readonly silentMs: number;
  /**
   * From the last byte of the peer, before which it cannot have died, to the verdict. From the ping, if the target does not
   * know when bytes came. Of a watched socket, from the first retransmission or probe that was not answered.
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
  /** How many threads have been started before this one since the agent was started. */
  readonly restarts: number;
}

export interface WorkerLostEvent {
  /** Its `cause` is why the thread ended, if that is known. */
  readonly error: KeepAliveError;
  /** After how many milliseconds another thread is started. */
  readonly retryInMs: number;
}

/** The events of `KeepAlive`. A listener receives one object. */
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
  /** Between two pings a target lost its connection and reconnected by itself. */
  connectionReplaced: [ConnectionReplacedEvent];
  /** The main loop was blocked while pings were out, or the whole process did not run. No verdict counts that time. */
  stalled: [Stall];
  /** The worker thread is running. */
  workerStarted: [WorkerStartedEvent];
  /** The worker thread ended by itself, hung, or could not be started; another one is started after `retryInMs`. */
  workerLost: [WorkerLostEvent];
}

export type EventName = keyof KeepAliveEvents;
export type EventOf<Name extends EventName> = KeepAliveEvents[Name][0];
