/**
 * Everything that crosses the border between the two threads.
 *
 * The worker calls the main thread over comlink; the board carries the rest. One `sweep` is one call, however many
 * storages are in it.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Stall } from '../model/events.js';
import type { Diagnosis, TableFailure } from '../tcp/diagnosis.js';

/** What the worker concludes about a ping that the storage has not answered. */
export type Conclusion =
  /** It could not be sent, because the application holds the load lock; but bytes come. */
  | { readonly verdict: 'alive' }
  /** It is not answered in time, but other bytes come, or go. Its hold on the load lock ends here. */
  | { readonly verdict: 'slow' }
  /** The load lock was not free within its budget: go on without it. */
  | { readonly verdict: 'busy' }
  /** Sent, `silentMs` of turning main loop, and not one byte. */
  | { readonly verdict: 'dead'; readonly silentMs: number; readonly diagnosis: Diagnosis };

/** What the kernel said of a watched socket whose connection is dead. */
export interface SocketDeath {
  readonly diagnosis: Extract<Diagnosis, 'path-or-host-gone'>;
  /** For how long nothing was acknowledged since the first retransmission or unanswered probe. */
  readonly unansweredMs: number;
  /** What went unanswered, and how often in a row. */
  readonly by: 'retransmits' | 'probes';
  readonly count: number;
  readonly unacknowledgedBytes: number;
}

/** What the main thread does for the ping loop. */
export interface PingHost {
  /**
   * Pings these storages. Resolves as soon as every one is answered or has kept silent for a moment, to those whose
   * ping is out still: nearly always none.
   */
  sweep(ids: Uint32Array): Promise<readonly number[]>;
  /**
   * Resolves when the main loop has gone through one whole turn that polled its sockets, begun after this call
   * arrived; the board then shows the bytes received by that time.
   */
  pollTurn(): Promise<void>;
  /** Ends the ping `number` of the slot `id`, if it is still under way. */
  conclude(id: number, number: number, conclusion: Conclusion): void;
  /** The main loop stood still for so long while pings were out, or the whole process did at any time. */
  stalled(stall: Stall): void;
  /** The loop threw. It goes on. */
  panicked(error: Error): void;
}

/** What the main thread does for the loop that watches sockets. */
export interface SocketHost extends Pick<PingHost, 'panicked'> {
  /** The connection of the socket that has this sequence number in this slot of the table is dead. */
  concludeSocket(slot: number, sequence: number, death: SocketDeath): void;
  /** The kernel's table cannot be read, so no socket is watched; `undefined`: it can be read again. */
  tableFailed(failure: TableFailure | undefined): void;
}

export interface HostApi extends PingHost, SocketHost {}

/** What the worker does for the main thread. */
export interface LoopApi {
  /**
   * These slots of the board were occupied or vacated; it says which of the two they are now. One of them may have changed
   * hands, or be known already to a loop that has looked at the whole board since.
   */
  targetsChanged(ids: Uint32Array): void;
  /** There are sockets in the table, where there were none. */
  socketsChanged(): void;
  /** Answers, if the thread runs at all. */
  alive(): true;
}

/** What the loop has to know; durations in milliseconds. */
export interface LoopSettings {
  readonly periodMs: number;
  readonly timeoutMs: number;
  readonly jitter: number;
  /** How many pings may be in flight at once. */
  readonly concurrency: number;
}

/** The task that wires the loop up in its thread. */
export interface WorkerInit {
  readonly port: MessagePort;
  readonly board: SharedArrayBuffer;
  /** The table of watched sockets. */
  readonly sockets: SharedArrayBuffer;
  readonly settings: LoopSettings;
  /** When this thread was asked for, by `systemClock`: the periods count from then, not from when it is up. */
  readonly startedMs: number;
  /** Whether an earlier loop was lost: the storages are pinged soon, not after a whole period. */
  readonly replaces: boolean;
}
