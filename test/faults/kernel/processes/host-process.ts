import type { Computer } from '../networks/network.js';
import { RemoteProcess } from './remote-process.js';

/** How long a call of a host waits for a connection, in seconds. */
export const waitTimeout = 2;

/** Configuration of `host.ts`. */
export interface HostConfig {
  /** Seconds. */
  readonly period: number;
  /** Seconds. */
  readonly timeout: number;
  /** The server of each storage that the agent watches; events identify a storage by its index. */
  readonly watched: readonly string[];
  /** The servers of storages that the agent does not know. */
  readonly unwatched?: readonly string[];
  /** Time a round trip on the unwatched storages as often as the agent pings the others. */
  readonly timeUnwatched?: boolean;
  /** Look for unread bytes in the kernel whenever a connection is dropped. */
  readonly witnessesAskKernel?: boolean;
  /** Makes connections again until all local ports differ, because the agent identifies them by port. */
  readonly distinctPorts?: boolean;
  /** Addresses to open a bare socket to, without any keep-alive. */
  readonly sockets?: readonly string[];
}

/** Loads the object. The reply is `loaded`. */
export interface LoadCommand {
  readonly type: 'load';
  readonly storage: number;
}

/** Commits new objects with records of this size in one transaction. The reply is `uploaded`. */
export interface UploadCommand {
  readonly type: 'upload';
  readonly storage: number;
  readonly records: number;
  readonly bytes: number;
}

export type HostCommand = LoadCommand | UploadCommand | { readonly type: 'tally' };

/** Events in the host. Times are those of `systemClock`, which all processes of the machine share. */
export type HostEvent =
  /** All storages are connected and the agent's worker runs. */
  | { readonly type: 'ready' }
  | {
      readonly type: 'died';
      readonly storage: number;
      readonly atMs: number;
      readonly diagnosis: string;
      readonly witnessed: Silence;
    }
  /** The agent's diagnosis at the end of an outage. */
  | { readonly type: 'cameBack'; readonly storage: number; readonly atMs: number; readonly cause: string }
  | { readonly type: 'disconnected'; readonly storage: number; readonly atMs: number; readonly by: string }
  | { readonly type: 'connected'; readonly storage: number; readonly atMs: number }
  | Loaded
  | Uploaded
  /** An unwatched storage or a bare socket lost its connection by itself. */
  | { readonly type: 'unwatchedLost'; readonly atMs: number }
  /** The main loop was blocked up to that moment. */
  | { readonly type: 'stalled'; readonly atMs: number; readonly durationMs: number }
  | Tally;

export interface Loaded {
  readonly type: 'loaded';
  readonly storage: number;
  readonly atMs: number;
  /** The object's transaction id, hexadecimal. */
  readonly serial?: string;
  /** Whether the storage had received the invalidation of the object. */
  readonly invalidated?: boolean;
  readonly error?: CallError;
}

export interface Uploaded {
  readonly type: 'uploaded';
  readonly storage: number;
  readonly atMs: number;
  readonly tookMs: number;
  readonly error?: CallError;
}

export interface CallError {
  readonly code: string;
  readonly retryable: boolean;
}

/** The state of a connection when it was dropped, observed independently of the agent. */
export interface Silence {
  /** From the ping, or the last byte received after it, to the drop. */
  readonly silentMs: number;
  /** The last byte received. */
  readonly lastReceivedAtMs: number;
  /** Unread bytes in the kernel, if they were looked for. */
  readonly unreadBytes: number;
}

/** Totals so far. */
export interface Tally {
  readonly type: 'tally';
  /** Pings of the agent. */
  readonly sent: number;
  /** Pings that the storage itself failed. */
  readonly failed: number;
  /** The slowest reply to a ping for each watched storage; 0 without a reply. */
  readonly slowestPingsMs: readonly number[];
  /** The round trips on the unwatched storages, however long, in time in which the main loop ran. */
  readonly unwatched: {
    readonly answered: number;
    /** How many took longer than the timeout. */
    readonly late: number;
    readonly slowestMs: number;
  };
}

/** A host with storages and the agent, in a process on one of a network's computers. */
export class HostProcess extends RemoteProcess<HostCommand, HostEvent> {
  readonly #periodMs: number;

  /** Resolves when all its storages are connected and the agent runs. */
  static async start(computer: Computer, config: HostConfig): Promise<HostProcess> {
    const host = new HostProcess(computer, config);
    return host.begun('a host that is ready', () => host.all('ready').length > 0, 60_000);
  }

  /**
   * How long after a fault it was noticed, in time in which the main loop ran. After a stall the peer has the timeout once
   * more, as if the period had just ended.
   */
  noticedAfterMs(faultMs: number, noticedMs: number): number {
    let turningMs = noticedMs - faultMs;
    let afterStallMs = Infinity;
    for (const { atMs, durationMs } of this.all('stalled')) {
      if (atMs < faultMs || atMs > noticedMs) continue;
      turningMs -= Math.min(durationMs, atMs - faultMs);
      afterStallMs = this.#periodMs + noticedMs - atMs;
    }
    return Math.min(turningMs, afterStallMs);
  }

  private constructor(computer: Computer, config: HostConfig) {
    super(computer, new URL('./host.js', import.meta.url), config);
    this.#periodMs = config.period * 1000;
  }

  async tally(): Promise<Tally> {
    const before = this.all('tally').length;
    this.send({ type: 'tally' });
    await this.until('a tally', () => this.all('tally').length > before, 20_000);
    return this.all('tally').at(-1) as Tally;
  }
}
