/**
 * The messages between the two threads. They call each other over comlink, but for a `sweep`, which is one message of numbers,
 * however many targets it pings; the board carries the rest.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Stall } from '../model/events.js';
import type { Diagnosis, TableFailure } from '../tcp/diagnosis.js';

/** What the worker concludes about a ping that was not answered at once. */
export type Conclusion =
  /** It could not be sent because the application holds the lock, but bytes are coming. */
  | { readonly verdict: 'alive' }
  /**
   * It was not answered in time: release the lock and go on waiting. Other bytes are flowing; or else the server is `silent`, but
   * may take longer than the timeout, as its host is not known to be gone.
   */
  | { readonly verdict: 'slow'; readonly isSilent: boolean }
  /** The lock was not free within its budget: send the ping without it. */
  | { readonly verdict: 'busy' }
  /** Not a byte came for `silentMs` milliseconds in which this process listened. */
  | { readonly verdict: 'dead'; readonly silentMs: number; readonly diagnosis: Diagnosis };

/** What the kernel's table shows of a watched socket whose connection is dead. */
export interface SocketDeath {
  readonly diagnosis: Extract<Diagnosis, 'path-or-host-gone'>;
  /** For how many milliseconds nothing was acknowledged since the first retransmission or unanswered probe. */
  readonly unansweredMs: number;
  /** What went unanswered, and how many times in a row. */
  readonly by: 'retransmits' | 'probes';
  readonly count: number;
  readonly unacknowledgedBytes: number;
}

/** What the ping loop calls in the main thread. */
export interface PingHost {
  /**
   * Pings these targets. There is no answer, which would wake the worker: the board shows which requests were taken, and what
   * has become of the pings. Not to be called for a target of which a request was not taken yet: so one that is never taken is
   * the last of its target.
   */
  sweep(ids: Uint32Array): void;
  /**
   * Resolves when the main loop has completed a whole iteration that polled its sockets and began after this call arrived;
   * the board then shows the bytes received by that time.
   */
  pollTurn(): Promise<void>;
  /** Ends the ping `number` of the slot `id`, if it is still under way. */
  conclude(id: number, number: number, conclusion: Conclusion): void;
  /** The main loop was blocked while pings were out, or the process did not run. */
  stalled(stall: Stall): void;
  /** The loop threw, and goes on. */
  panicked(error: Error): void;
}

/** What the loop that watches sockets calls in the main thread. */
export interface SocketHost extends Pick<PingHost, 'panicked'> {
  /** The connection of the socket with this sequence number in this slot of the table is dead. */
  concludeSocket(slot: number, sequence: number, death: SocketDeath): void;
  /** The kernel's table cannot be read, so no socket is watched; `undefined`: it can be read again. */
  tableFailed(failure: TableFailure | undefined): void;
}

export interface HostApi extends PingHost, SocketHost {}

/** What the main thread calls in the worker. */
export interface LoopApi {
  /**
   * These slots were occupied or vacated: the board says which. A slot may have passed to another target, or be known
   * already to a loop that has read the whole board since.
   */
  targetsChanged(ids: Uint32Array): void;
  /** There are sockets in the table, which was empty before. */
  socketsChanged(): void;
  /** Returns if the thread is running. */
  alive(): true;
}

/** The settings of the loop; durations in milliseconds. */
export interface LoopSettings {
  readonly periodMs: number;
  readonly timeoutMs: number;
  /** Fraction by which an interval may be shortened at random, 0 to 1. */
  readonly jitter: number;
  /** How many pings may be in flight at once. */
  readonly concurrency: number;
}

/** The start parameters of the worker. */
export interface WorkerInit {
  /** Of the package in the main thread. The worker's file may be of another one, whose shared memory has another layout. */
  readonly version: string;
  readonly port: MessagePort;
  readonly board: SharedArrayBuffer;
  /** The table of watched sockets. */
  readonly sockets: SharedArrayBuffer;
  readonly settings: LoopSettings;
  /** When the thread was requested, by `systemClock`: the first periods count from then, not from when it is up. */
  readonly startedMs: number;
  /** Whether an earlier loop was lost: the targets are then pinged soon, not after a whole period. */
  readonly replaces: boolean;
}
