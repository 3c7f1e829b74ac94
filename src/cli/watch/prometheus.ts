import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { KeepAlive } from '../../agent/keep-alive.js';
import { isTrouble, type Row } from './snapshot.js';

/** From the fraction of a millisecond of a local network to the default timeout. */
const roundTripBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
/** From the time in which a dropped flow is found to that of a manual failover. */
const troubleBuckets = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];

/**
 * Metrics for Prometheus: what the agent finds out, under the same names as in `zeo-keepalive/metrics`, and the present state
 * of each storage. Durations are in seconds.
 */
export class Metrics {
  readonly #registry = new Registry();

  /** @param storages the present rows of the table */
  constructor(agent: KeepAlive, storages: { rows(): readonly Row[] }) {
    const registers = [this.#registry];
    const histogram = (name: string, help: string, labelNames: string[], buckets: number[]) =>
      new Histogram({ name: `zeo_keepalive_${name}_duration_seconds`, help, labelNames, buckets, registers });
    const pings = new Counter({
      name: 'zeo_keepalive_pings_total',
      help: 'Pings that were due, by result',
      labelNames: ['storage', 'result'],
      registers,
    });
    const roundTrips = histogram('ping', 'Round trips of answered pings', ['storage'], roundTripBuckets);
    const detections = histogram(
      'detection',
      'Time from the last byte of a peer to the verdict that it is dead',
      ['storage', 'diagnosis'],
      troubleBuckets,
    );
    const reconnects = new Counter({
      name: 'zeo_keepalive_reconnects_total',
      help: 'Connections that replaced a lost one',
      labelNames: ['storage', 'cause'],
      registers,
    });
    const outages = histogram(
      'reconnect',
      'How long storages had no connection',
      ['storage', 'cause'],
      troubleBuckets,
    );
    const stalls = histogram(
      'stall',
      'Stalls of the main loop, the process or the machine, during which verdicts are withheld',
      ['of'],
      troubleBuckets,
    );
    const restarts = new Counter({
      name: 'zeo_keepalive_worker_restarts_total',
      help: 'Worker threads that ended unexpectedly and were replaced',
      registers,
    });
    new Gauge({
      name: 'zeo_keepalive_storage_up',
      help: '1 while the storage is connected and its last ping, if any, was answered',
      labelNames: ['storage'],
      registers,
      collect() {
        for (const { name, state } of storages.rows()) this.set({ storage: name }, isTrouble(state) ? 0 : 1);
      },
    });

    agent.on('pingSucceeded', ({ name: storage, verdict: result, roundTripMs }) => {
      pings.inc({ storage, result });
      if (roundTripMs !== undefined) roundTrips.observe({ storage }, roundTripMs / 1000);
    });
    agent.on('pingFailed', ({ name: storage }) => pings.inc({ storage, result: 'failed' }));
    agent.on('connectionDied', ({ name: storage, diagnosis, timeToDetectMs }) => {
      pings.inc({ storage, result: 'dead' });
      detections.observe({ storage, diagnosis }, timeToDetectMs / 1000);
    });
    agent.on('connectionDown', ({ name: storage }) => pings.inc({ storage, result: 'down' }));
    agent.on('connectionBack', ({ name: storage, downForMs, cause }) => {
      reconnects.inc({ storage, cause });
      outages.observe({ storage, cause }, downForMs / 1000);
    });
    agent.on('connectionReplaced', ({ name: storage }) => reconnects.inc({ storage, cause: 'unnoticed' }));
    agent.on('stalled', ({ of, durationMs }) => stalls.observe({ of }, durationMs / 1000));
    agent.on('workerLost', () => restarts.inc());
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** In Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
