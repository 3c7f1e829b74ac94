import { Counter, Histogram, type Registry } from 'prom-client';
import type { KeepAlive } from '../../agent/keep-alive.js';
import type { ConnectionEvent } from '../../model/events.js';
import type { Diagnosis } from '../../tcp/diagnosis.js';

/** From the fraction of a millisecond of a local network to the default timeout. */
const roundTripBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
/** From the time in which a dropped flow is found to that of a manual failover. */
const troubleBuckets = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];

const pingResults = ['alive', 'busy', 'slow', 'failed', 'dead', 'down'] as const;
const diagnoses: readonly Diagnosis[] = ['peer-hangs', 'path-or-host-gone', 'unknown'];

/** The labels by which connections are told apart. */
export interface ConnectionLabels<Name extends string> {
  readonly names: readonly Name[];
  /** `undefined`: it is not counted. */
  of(event: ConnectionEvent): Readonly<Record<Name, string>> | undefined;
}

/**
 * What the agent finds out, for Prometheus, under the same names as in `zeo-keepalive/metrics`. Durations are in seconds.
 */
export class AgentMetrics<Name extends string> {
  readonly #pings;
  readonly #roundTrips;
  readonly #detections;
  readonly #begun = new Set<string>();

  constructor(agent: KeepAlive, labels: ConnectionLabels<Name>, registry: Registry) {
    const { names } = labels;
    this.#pings = new Counter({
      name: 'zeo_keepalive_pings_total',
      help: 'Pings that were due, by result',
      labelNames: [...names, 'result'],
      registers: [registry],
    });
    this.#roundTrips = new Histogram({
      name: 'zeo_keepalive_ping_duration_seconds',
      help: 'Round trips of answered pings',
      labelNames: [...names],
      buckets: roundTripBuckets,
      registers: [registry],
    });
    this.#detections = troubleHistogram(
      'detection',
      'Time from the last byte of a peer to the verdict that it is dead',
      [...names, 'diagnosis'],
      registry,
    );
    const stalls = troubleHistogram(
      'stall',
      'Stalls of the main loop, the process or the machine, during which verdicts are withheld',
      ['of'],
      registry,
    );
    for (const of of ['loop', 'process']) stalls.zero({ of });
    const restarts = new Counter({
      name: 'zeo_keepalive_worker_restarts_total',
      help: 'Worker threads that ended unexpectedly and were replaced',
      registers: [registry],
    });
    const count = (event: ConnectionEvent, result: string) => {
      const own = labels.of(event);
      if (own !== undefined) this.#pings.inc({ ...own, result });
      return own;
    };
    agent.on('pingSucceeded', (event) => {
      const own = count(event, event.verdict);
      if (own !== undefined && event.roundTripMs !== undefined)
        this.#roundTrips.observe(own, event.roundTripMs / 1000);
    });
    agent.on('pingFailed', (event) => count(event, 'failed'));
    agent.on('connectionDied', (event) => {
      const { diagnosis, timeToDetectMs } = event;
      const own = count(event, 'dead');
      if (own !== undefined) this.#detections.observe({ ...own, diagnosis }, timeToDetectMs / 1000);
    });
    agent.on('connectionDown', (event) => count(event, 'down'));
    agent.on('stalled', ({ of, durationMs }) => stalls.observe({ of }, durationMs / 1000));
    agent.on('workerLost', () => restarts.inc());
  }

  /** Starts the series with these labels at 0, so that the first increase can be seen; once. */
  begin(own: Readonly<Record<Name, string>>): void {
    const key = JSON.stringify(own);
    if (this.#begun.has(key)) return;
    this.#begun.add(key);
    for (const result of pingResults) this.#pings.inc({ ...own, result }, 0);
    this.#roundTrips.zero(own);
    for (const diagnosis of diagnoses) this.#detections.zero({ ...own, diagnosis });
  }
}

/** A histogram of how long something was wrong, which the agent has found. */
export function troubleHistogram<Name extends string>(
  name: string,
  help: string,
  labelNames: Name[],
  registry: Registry,
): Histogram<Name> {
  return new Histogram({
    name: `zeo_keepalive_${name}_duration_seconds`,
    help,
    labelNames,
    buckets: troubleBuckets,
    registers: [registry],
  });
}
