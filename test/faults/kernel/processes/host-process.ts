import type { Computer } from '../networks/network.js';
import { RemoteProcess } from './remote-process.js';

/** How long a call of a host waits for a connection, in seconds. */
export const waitTimeout = 2;

/** What `host.ts` is started with. */
export interface HostConfig {
  /** Seconds. */
  readonly period: number;
  /** Seconds. */
  readonly timeout: number;
  /** The servers of the storages that the agent watches over, one each; events name a storage by its place here. */
  readonly watched: readonly string[];
  /** The servers of storages of which the agent does not know. */
  readonly unwatched?: readonly string[];
  /** Time a round trip on the unwatched ones as often as the agent makes one on the others. */
  readonly timeUnwatched?: boolean;
  /** Look for bytes that the kernel holds unread whenever a connection is dropped. */
  readonly witnessesAskKernel?: boolean;
  /** Makes a connection anew whose local port another one has: by the ports the agent tells them apart. */
  readonly distinctPorts?: boolean;
  /** Addresses to open a bare socket to, without any keep-alive. */
  readonly sockets?: readonly string[];
}

/** Loads the object. Answered by `loaded`. */
export interface LoadCommand {
  readonly type: 'load';
  readonly storage: number;
}

/** Commits so many new objects with records of that size, in one transaction. Answered by `uploaded`. */
export interface UploadCommand {
  readonly type: 'upload';
  readonly storage: number;
  readonly records: number;
  readonly bytes: number;
}

export type HostCommand = LoadCommand | UploadCommand | { readonly type: 'tally' };

/** What happened in the host. Times are of the clock that all processes of the machine share: `systemClock`. */
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
  /** What the agent says at the end of an outage that it had been. */
  | { readonly type: 'cameBack'; readonly storage: number; readonly atMs: number; readonly cause: string }
  | { readonly type: 'disconnected'; readonly storage: number; readonly atMs: number; readonly by: string }
  | { readonly type: 'connected'; readonly storage: number; readonly atMs: number }
  | Loaded
  | Uploaded
  /** An unwatched storage or a bare socket lost its connection by itself. */
  | { readonly type: 'unwatchedLost'; readonly atMs: number }
  /** The main loop stood still, up to that moment. */
  | { readonly type: 'stalled'; readonly atMs: number; readonly durationMs: number }
  | Tally;

export interface Loaded {
  readonly type: 'loaded';
  readonly storage: number;
  readonly atMs: number;
  /** The object's transaction, hexadecimal. */
  readonly serial?: string;
  /** Whether the storage had been told that the object changed. */
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

/** What an independent look at the connection found when it was dropped. */
export interface Silence {
  /** From the ping, or the last byte received after it, to the drop. */
  readonly silentMs: number;
  /** The last byte received. */
  readonly lastReceivedAtMs: number;
  /** Bytes that lay in the kernel and were not read, if that was looked for. */
  readonly unreadBytes: number;
}

/** What there was so far. */
export interface Tally {
  readonly type: 'tally';
  /** Pings of the agent. */
  readonly sent: number;
  /** Those that the storage failed by itself. */
  readonly failed: number;
  /** How long the answer to a ping took at most, for each watched storage; 0 where there was none. */
  readonly slowestPingsMs: readonly number[];
  /** The round trips on the unwatched storages, whatever time they took; of that in which the main loop turned. */
  readonly unwatched: {
    readonly answered: number;
    /** Took longer than the timeout. */
    readonly late: number;
    readonly slowestMs: number;
  };
}

/** A host with storages and the agent, in a process of its own on one of a network's computers. */
export class HostProcess extends RemoteProcess<HostCommand, HostEvent> {
  readonly #periodMs: number;

  /** Resolves when all its storages are connected and the agent runs. */
  static async start(computer: Computer, config: HostConfig): Promise<HostProcess> {
    const host = new HostProcess(computer, config);
    try {
      await host.until('a host that is ready', () => host.all('ready').length > 0, 60_000);
    } catch (error) {
      await host[Symbol.asyncDispose]();
      throw error;
    }
    return host;
  }

  /**
   * How long after a fault it was noticed, of the time in which the main loop turned. After a standstill the peer has the
   * timeout once more, as if the period had just ended.
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
    super(computer, './host.js', config);
    this.#periodMs = config.period * 1000;
  }

  async tally(): Promise<Tally> {
    const before = this.all('tally').length;
    this.send({ type: 'tally' });
    await this.until('a tally', () => this.all('tally').length > before, 20_000);
    return this.all('tally').at(-1) as Tally;
  }
}
