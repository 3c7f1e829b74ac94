import type { Computer } from '../faults/kernel/networks/network.js';
import { RemoteProcess } from '../faults/kernel/processes/remote-process.js';

/** What `guards.ts` is started with. Durations in seconds. */
export interface GuardsConfig {
  /** A guard for each, with an agent of its own. */
  readonly listens: readonly string[];
  /** Behind each, the preferred first. */
  readonly servers: readonly string[];
  readonly period: number;
  readonly timeout: number;
}

export type GuardsEvent =
  | { readonly type: 'ready'; readonly pid: number }
  | { readonly type: 'died'; readonly server: string; readonly diagnosis: string };

/** Guards in a process of their own, on one of the network's computers. */
export class GuardsProcess extends RemoteProcess<never, GuardsEvent> {
  /** Resolves when all listen. */
  static async start(computer: Computer, config: GuardsConfig): Promise<GuardsProcess> {
    const guards = new GuardsProcess(computer, new URL('./guards.js', import.meta.url), config);
    return guards.begun('guards that listen', () => guards.all('ready').length > 0, 60_000);
  }

  get pid(): number {
    return this.all('ready')[0]?.pid as number;
  }
}
