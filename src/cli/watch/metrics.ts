import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { KeepAlive } from '../../agent/keep-alive.js';
import { isTrouble, type Row } from './snapshot.js';

/** From a local network's fraction of a millisecond to the default timeout. */
const roundTripBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
/** From the time that a lost flow takes to that of a failover by hand. */
const outageBuckets = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];

/** What Prometheus is told, in seconds: what the agent finds out, and how each storage is at the moment. */
export class Metrics {
  readonly #registry = new Registry();

  /** @param storages how they are now */
  constructor(agent: KeepAlive, storages: { rows(): readonly Row[] }) {
    const registers = [this.#registry];
    const pings = new Counter({
      name: 'zeo_keepalive_pings_total',
      help: 'Pings that ended, by outcome: success, failure (an error or a lost connection), dead (silence)',
      labelNames: ['storage', 'outcome'],
      registers,
    });
    const roundTrips = new Histogram({
      name: 'zeo_keepalive_ping_duration_seconds',
      help: 'Round trips of the answered pings',
      labelNames: ['storage'],
      buckets: roundTripBuckets,
      registers,
    });
    const deaths = new Counter({
      name: 'zeo_keepalive_deaths_total',
      help: 'Connections destroyed because their server stayed silent, by diagnosis',
      labelNames: ['storage', 'diagnosis'],
      registers,
    });
    const outages = new Histogram({
      name: 'zeo_keepalive_outage_duration_seconds',
      help: 'Time that a storage had no connection, of the outages that are over, by cause',
      labelNames: ['storage', 'cause'],
      buckets: outageBuckets,
      registers,
    });
    const stalls = new Counter({
      name: 'zeo_keepalive_stalls_total',
      help: 'Times that this process stood still while pings were out; nobody was judged by them',
      labelNames: ['of'],
      registers,
    });
    const stalledSeconds = new Counter({
      name: 'zeo_keepalive_stalled_seconds_total',
      help: 'Time for which this process stood still while pings were out',
      labelNames: ['of'],
      registers,
    });
    const restarts = new Counter({
      name: 'zeo_keepalive_worker_restarts_total',
      help: 'Times that the worker thread ended by itself and was replaced',
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

    agent.on('pingSucceeded', ({ name, roundTripMs }) => {
      pings.inc({ storage: name, outcome: 'success' });
      if (roundTripMs !== undefined) roundTrips.observe({ storage: name }, roundTripMs / 1000);
    });
    agent.on('pingFailed', ({ name }) => pings.inc({ storage: name, outcome: 'failure' }));
    agent.on('storageDied', ({ name, diagnosis }) => {
      pings.inc({ storage: name, outcome: 'dead' });
      deaths.inc({ storage: name, diagnosis });
    });
    agent.on('storageBack', ({ name, downForMs, cause }) =>
      outages.observe({ storage: name, cause }, downForMs / 1000),
    );
    agent.on('stalled', ({ of, durationMs }) => {
      stalls.inc({ of });
      stalledSeconds.inc({ of }, durationMs / 1000);
    });
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
