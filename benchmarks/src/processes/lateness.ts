/** Pings while the main thread is kept busy, and reports how late the pings were. */
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from '../harness/child.js';
import { quantile } from '../harness/repetitions.js';
import { Agent } from '../subjects/agent.js';
import { IntervalCalls } from '../subjects/interval-calls.js';
import { keepBusy, type LoadKind } from '../subjects/main-thread-load.js';

export interface LatenessOptions {
  readonly subject: 'setInterval and getInfo' | 'agent';
  readonly load: LoadKind;
  readonly address: string;
  readonly count: number;
  readonly periodMs: number;
  readonly ms: number;
}

export interface Lateness {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const api = {
  async measure({ subject, load, ms, ...options }: LatenessOptions): Promise<Lateness> {
    const lastMs = new Map<number | string, number>();
    let lateMs: number[] = [];
    const onSent = (connection: number | string) => {
      const nowMs = performance.now();
      const before = lastMs.get(connection);
      // An early ping counts as punctual.
      if (before !== undefined) lateMs.push(Math.max(0, nowMs - before - options.periodMs));
      lastMs.set(connection, nowMs);
    };
    const open = subject === 'agent' ? Agent.open : IntervalCalls.open;
    const opened = await open({ ...options, onSent });
    opened.start();
    await sleep(2 * options.periodMs);
    const stop = keepBusy[load]();
    lateMs = [];
    await sleep(ms);
    stop();
    return { p50Ms: quantile(lateMs, 0.5), p99Ms: quantile(lateMs, 0.99), maxMs: quantile(lateMs, 1) };
  },
};

export type LatenessApi = typeof api;
serve(api);
