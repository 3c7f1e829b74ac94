import type { Computer } from '../faults/kernel/networks/network.js';
import { RemoteProcess } from '../faults/kernel/processes/remote-process.js';

/** What `peers.ts` is started with. */
export interface PeersConfig {
  readonly count: number;
  /** A peer that has lost its connection connects again, as Python's clients do. */
  readonly reconnect?: boolean;
}

export type PeersCommand =
  /** Each peer makes a call every second. The reply is `called`. */
  | { readonly type: 'call'; readonly seconds: number }
  /** The first peer stores or loads a record. The reply is `transferred`. */
  | { readonly type: 'transfer'; readonly direction: Direction; readonly bytes: number };

export type Direction = 'upload' | 'download';

/** Moments of the system's monotonic clock. */
export type PeersEvent =
  | { readonly type: 'ready'; readonly pid: number }
  | { readonly type: 'lost'; readonly atMs: number }
  /** A peer that lost its connection has another one: when it was greeted, and when a call on it was answered. */
  | { readonly type: 'served'; readonly greetedAtMs: number; readonly atMs: number }
  /** It was refused, or reset before that. */
  | { readonly type: 'turnedAway' }
  | { readonly type: 'called'; readonly answered: number; readonly failed: number }
  | { readonly type: 'transferred'; readonly tookMs: number; readonly error?: string };

/** Clients that speak what a ZEO client speaks at least, in a process of their own beside the guard. */
export class PeersProcess extends RemoteProcess<PeersCommand, PeersEvent> {
  /** Resolves when all are registered. */
  static async start(computer: Computer, config: PeersConfig): Promise<PeersProcess> {
    const peers = new PeersProcess(computer, new URL('./peers.js', import.meta.url), config);
    return peers.begun('peers that are registered', () => peers.all('ready').length > 0, 120_000);
  }

  get pid(): number {
    return this.all('ready')[0]?.pid as number;
  }
}
