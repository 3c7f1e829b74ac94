/** Opens many storages, and reports how long the main loop pauses with and without something that pings them. */
import { channel } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { LogLines } from '../../../dist/src/agent/report/log-lines.js';
import { createLog } from '../../../dist/src/observability/log.js';
import { ClientStorage } from '../../../dist/src/zeo/index.js';
import { serve } from '../harness/child.js';
import { measurePauses } from '../harness/pauses.js';
import { Agent } from '../subjects/agent.js';
import { IntervalCalls } from '../subjects/interval-calls.js';
import { openAll } from '../subjects/subject.js';

export interface PausesOptions {
  readonly subject: 'without agent' | 'agent' | 'setInterval and getInfo';
  readonly address: string;
  readonly count: number;
  readonly periodMs: number;
}

/** By which the agent answers a collection of OpenTelemetry's metrics. */
const readings = channel('zeo-keepalive:reading-requested');
let agent: Agent | undefined;

const api = {
  async open({ subject, ...options }: PausesOptions): Promise<void> {
    if (subject === 'agent') {
      agent = await Agent.open(options);
      agent.start();
    } else if (subject === 'setInterval and getInfo') (await IntervalCalls.open(options)).start();
    else await openAll(options.count, () => ClientStorage.open({ address: options.address }));
  },
  async measure({ warmUpMs, ms }: { readonly warmUpMs: number; readonly ms: number }) {
    await sleep(warmUpMs);
    return await measurePauses(ms);
  },
  /** How long each of several calls of `status()`, and questions of a collector of metrics, holds the main loop, in ms. */
  async calls({ count }: { readonly count: number }) {
    const statusMs: number[] = [];
    const collectionMs: number[] = [];
    for (let call = 0; call < count; call++) {
      statusMs.push(timed(() => agent?.keepAlive.status()));
      collectionMs.push(timed(() => readings.publish(() => {})));
      await sleep(100);
    }
    return { statusMs, collectionMs };
  },
  /** How long each of several lines about a failure, with its stack, holds the main loop until it is written, in ms. */
  async log({ count }: { readonly count: number }) {
    const lines = new LogLines(
      createLog({ logger: pino(pino.destination({ dest: '/dev/null', sync: true })) }),
    );
    return Array.from({ length: count }, (_, name) => {
      const error = new Error('The call failed', { cause: new Error('The connection was lost') });
      return timed(() => lines.unusable(String(name), error));
    });
  },
};

function timed(call: () => unknown): number {
  const startMs = performance.now();
  call();
  return performance.now() - startMs;
}

export type PausesApi = typeof api;
serve(api);
