import type { SocketPorts } from '../tcp/diagnosis.js';

/** A mutual exclusion lock, as far as the agent uses one. */
export interface Lock {
  /**
   * Waits until the lock is free, takes it, and resolves to the function that gives it back (calling that
   * function again does nothing).
   *
   * Rejects with `signal.reason` when `signal` aborts first; the lock is then not held.
   */
  acquire(signal?: AbortSignal): Promise<() => void>;
  /** Takes the lock if it is free this moment; spares an uncontended ping the wait. */
  tryAcquire?(): (() => void) | undefined;
}

/** What a connection has to send. */
export interface Outgoing {
  /** Written by the storage since the connection was made. */
  readonly writtenBytes: number;
  /** Of those, not handed to the system yet. */
  readonly heldBackBytes: number;
  /**
   * Whether the last ping has not been written at all, as it waits for its turn among other writes. Its silence does not
   * count before it is.
   */
  readonly isPingQueued?: boolean | undefined;
}

/**
 * A long-lived connection to a server, as the agent sees it. `ClientStorage` implements it; so can any other
 * connection that is worth keeping alive.
 */
export interface KeepAliveStorage {
  /** Whether it is connected and serves calls. While `false` it is reconnecting by itself and is left alone. */
  readonly ready: boolean;
  /** Counts the connections: a verdict on one of them must not touch the next. */
  readonly generation: number;
  /** When the last byte came from the server, in milliseconds of `performance.now()`; absent when unknown. */
  readonly lastReceivedAt?: number | undefined;
  /** The ports of its TCP connection, for a diagnosis when it is silent; absent when there are none. */
  readonly socketPorts?: SocketPorts | undefined;
  /**
   * What it has written to its connection, for a diagnosis when that is silent: whether a ping is still behind other
   * bytes on their way out. Absent when unknown.
   */
  readonly outgoing?: Outgoing | undefined;
  /** The server that it is connected to, for the log. */
  readonly address?: string | undefined;
  /** Why the last attempt to connect failed, for the log while it is not ready. */
  readonly lastError?: Error | undefined;
  /**
   * When it lost its connection, in milliseconds of `performance.now()`, while it is not ready: how long it has been down
   * counts from then. Absent when unknown, or when it has had none yet; then it counts from when the agent noticed.
   */
  readonly lostAt?: number | undefined;
  /** Held for the length of a ping. */
  readonly loadLock: Lock;
  /**
   * One round trip to the server. Rejects when the server or the connection fails, and with `signal.reason`
   * when `signal` aborts.
   */
  ping(signal: AbortSignal): Promise<unknown>;
  /**
   * Whether `ping` may be called without a signal, because nothing is lost by a ping that is left alone. Making signals is
   * a fifth of what a ping costs.
   */
  readonly ignoresPingSignal?: boolean | undefined;
  /**
   * Destroys the connection at once, without a goodbye, if it is still the one of `generation`: every pending
   * call rejects with an error caused by `error`, and the storage reconnects by itself.
   */
  drop(error: Error, generation: number): void;
  /** Calls `listener` when it is ready again, so that the agent need not wait for its next ping to notice. */
  once?(event: 'connected', listener: () => void): unknown;
  /** Calls that off. */
  off?(event: 'connected', listener: () => void): unknown;
}

/** Whether a registered database is the client of a server, and so to be kept alive. */
export function isKeepAliveStorage(storage: unknown): storage is KeepAliveStorage {
  if (typeof storage !== 'object' || storage === null) return false;
  // By `in`, not by value: a getter that throws is a fault to report at the ping, not a reason to be left alone.
  return (
    'ready' in storage &&
    'generation' in storage &&
    'loadLock' in storage &&
    typeof (storage as KeepAliveStorage).ping === 'function' &&
    typeof (storage as KeepAliveStorage).drop === 'function'
  );
}

/** What a getter or method of somebody else’s object comes to; `undefined` when it throws. */
export function attempt<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch {
    return undefined;
  }
}
