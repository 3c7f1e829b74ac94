import type { SocketPorts } from '../tcp/diagnosis.js';

/** A mutual exclusion lock, as far as the agent uses one. */
export interface Lock {
  /**
   * Waits until the lock is free, takes it, and resolves to the function that releases it (calling that
   * function again does nothing).
   *
   * Rejects with `signal.reason` when `signal` aborts first; the lock is then not held.
   */
  acquire(signal?: AbortSignal): Promise<() => void>;
  /** Takes the lock if it is free this moment; spares an uncontended ping the wait. */
  tryAcquire?(): (() => void) | undefined;
}

/** What a target has written to its connection. */
export interface Outgoing {
  /** How many bytes the target has written since the connection was made. */
  readonly writtenBytes: number;
  /** How many of those have not been handed to the system yet. */
  readonly heldBackBytes: number;
  /**
   * Whether the last ping has not been written yet, because other writes are queued before it. The peer's silence does not
   * count until it is.
   */
  readonly isPingQueued?: boolean | undefined;
}

/**
 * What the agent keeps alive: the client of a server, with a long-lived connection that it replaces by itself when it is lost.
 * `ClientStorage` implements it; so can any other client with such a connection.
 */
export interface KeepAliveTarget {
  /** Whether it is connected and takes calls. While `false` it is reconnecting by itself, and is not pinged. */
  readonly ready: boolean;
  /** A whole number that counts the connections, so that a verdict on one of them does not touch the next. */
  readonly generation: number;
  /** When the last byte came from the server, in milliseconds of `performance.now()`; absent when unknown. */
  readonly lastReceivedAt?: number | undefined;
  /**
   * The ports of its TCP connection, to diagnose a silent peer; absent when there are none. Once known, they are read again only
   * when `generation` changes, or for a ping that was queued (`isPingQueued`).
   */
  readonly socketPorts?: SocketPorts | undefined;
  /**
   * What it has written to its connection, to see whether a ping is still behind other bytes when the peer is silent. Absent
   * when unknown.
   */
  readonly outgoing?: Outgoing | undefined;
  /** The server that it is connected to, for the log. */
  readonly address?: string | undefined;
  /** Why the last attempt to connect failed, for the log while it is not ready. */
  readonly lastError?: Error | undefined;
  /**
   * When it lost its connection, in milliseconds of `performance.now()`, while it is not ready: its downtime counts from then.
   * Absent when unknown, or when it has not been connected yet; then the downtime counts from when the agent noticed.
   */
  readonly lostAt?: number | undefined;
  /** Held while a ping is out; absent when the client orders its calls by itself. */
  readonly lock?: Lock | undefined;
  /**
   * Whether the server answers requests in the order in which it receives them, as PostgreSQL and Redis do. A ping then queues
   * behind every request that is out, and silence proves nothing: while the target is `busy`, or its lock is held, it is not
   * pinged, and its connection only ends if the system's table shows that nothing reaches the server: by retransmissions, or by
   * keep-alive probes (see `ensureProbes`). Read when the target is opened.
   */
  readonly answersInOrder?: boolean | undefined;
  /**
   * Whether a request of the application is out that may keep a ping from being answered. Only read if `answersInOrder` is set:
   * before a ping, and while one is out, which is then called off.
   */
  readonly busy?: boolean | undefined;
  /**
   * For how many seconds the server may be silent after a ping that its host has acknowledged: its process hangs, or is busy with
   * what others have asked of it, as Redis with a script. At least the timeout. Default: `ZEO_KEEPALIVE_HANG_TIMEOUT`, or else the
   * timeout, or for `'long'` the longer of 30 seconds and five timeouts. Read when the target is opened.
   */
  readonly hangTimeout?: number | 'long' | undefined;
  /**
   * Switches on the keep-alive probes of its connection, so that there is one at least every `periodMs`. Called when a ping is due:
   * while the target is `busy`, the probes are what shows that it is dead.
   */
  ensureProbes?(periodMs: number): void;
  /**
   * One round trip to the server. Rejects when the server or the connection fails, and with `signal.reason`
   * when `signal` aborts.
   */
  ping(signal: AbortSignal): Promise<unknown>;
  /**
   * Whether `ping` may be called without a signal, because an abandoned ping leaks nothing. Creating signals is a fifth of the
   * cost of a ping.
   */
  readonly ignoresPingSignal?: boolean | undefined;
  /**
   * Destroys the connection at once, without an orderly shutdown, if it is still the one of `generation`: every pending
   * call rejects with an error caused by `error`, and the target reconnects by itself.
   */
  drop(error: Error, generation: number): void;
  /** Calls `listener` once it is ready again, so that the agent need not wait for its next ping to notice. */
  once?(event: 'connected', listener: () => void): unknown;
  /** Removes that listener. */
  off?(event: 'connected', listener: () => void): unknown;
}

/** Whether a registered database is to be kept alive. By its shape, since its class may be of any library. */
export function isKeepAliveTarget(database: unknown): database is KeepAliveTarget {
  if (typeof database !== 'object' || database === null) return false;
  // By `in`, not by value: a getter that throws is to be reported at the ping, not a reason to ignore the target.
  return (
    'ready' in database &&
    'generation' in database &&
    typeof (database as KeepAliveTarget).ping === 'function' &&
    typeof (database as KeepAliveTarget).drop === 'function'
  );
}

/**
 * Calls a getter or method of a foreign object; `undefined` if it throws. With the object as argument `get` need not be a
 * closure, of which one for each of thousands of targets takes time.
 */
export function attempt<T>(get: () => T): T | undefined;
export function attempt<T, O>(get: (object: O) => T, object: O): T | undefined;
export function attempt<T, O>(get: (object?: O) => T, object?: O): T | undefined {
  try {
    return get(object);
  } catch {
    return undefined;
  }
}
