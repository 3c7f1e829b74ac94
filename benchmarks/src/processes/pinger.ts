/** Pings connections to a server in one of several ways, and reports the cost for the whole process. */
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from '../harness/child.js';
import { type CpuTime, startCpuClock } from '../harness/cpu.js';
import { Agent } from '../subjects/agent.js';
import { BareSockets } from '../subjects/bare-sockets.js';
import { IntervalCalls } from '../subjects/interval-calls.js';
import type { PingSubject, SubjectOptions } from '../subjects/subject.js';

const openers = {
  'bare sockets': (options) => BareSockets.open(options),
  'setInterval and getInfo': (options) => IntervalCalls.open(options),
  agent: (options) => Agent.open(options),
} satisfies Record<string, (options: SubjectOptions) => Promise<PingSubject>>;

export type PingerKind = keyof typeof openers;

export interface PingCost extends CpuTime {
  readonly pings: number;
}

let subject: PingSubject | undefined;

const api = {
  /** Opens the connections and begins to ping. */
  async open({ kind, ...options }: SubjectOptions & { readonly kind: PingerKind }): Promise<void> {
    subject = await openers[kind](options);
    subject.start();
  },
  /** The cost of the pings during a number of milliseconds. */
  async measure({ ms }: { readonly ms: number }): Promise<PingCost> {
    if (subject === undefined) throw new Error('Nothing is open');
    const before = subject.answered;
    const cpu = startCpuClock();
    await sleep(ms);
    const cost = cpu();
    const pings = subject.answered - before;
    if (subject.failed > 0) throw new Error(`${subject.failed} pings failed`);
    if (pings === 0) throw new Error('Nothing was answered');
    return { ...cost, pings };
  },
};
export type PingerApi = typeof api;
serve(api);
