import { Counter, Gauge, Registry } from 'prom-client';
import type { KeepAlive } from '../../agent/keep-alive.js';
import { AgentMetrics, troubleHistogram } from './agent-metrics.js';
import { isTrouble, type Row } from './snapshot.js';

/** Metrics for Prometheus: what the agent finds out, by storage, and the present state of each. */
export class Metrics {
  readonly #registry = new Registry();

  /** @param storages the present rows of the table */
  constructor(agent: KeepAlive, storages: { rows(): readonly Row[] }) {
    const registers = [this.#registry];
    new AgentMetrics(agent, { names: ['storage'], of: ({ name: storage }) => ({ storage }) }, this.#registry);
    const reconnects = new Counter({
      name: 'zeo_keepalive_reconnects_total',
      help: 'Connections that replaced a lost one',
      labelNames: ['storage', 'cause'],
      registers,
    });
    const outages = troubleHistogram(
      'reconnect',
      'How long storages had no connection',
      ['storage', 'cause'],
      this.#registry,
    );
    new Gauge({
      name: 'zeo_keepalive_storage_up',
      help: '1 while the storage is connected and its last ping, if any, was answered',
      labelNames: ['storage'],
      registers,
      collect() {
        for (const { name, state } of storages.rows()) this.set({ storage: name }, isTrouble(state) ? 0 : 1);
      },
    });
    agent.on('connectionBack', ({ name: storage, downForMs, cause }) => {
      reconnects.inc({ storage, cause });
      outages.observe({ storage, cause }, downForMs / 1000);
    });
    agent.on('connectionReplaced', ({ name: storage }) => reconnects.inc({ storage, cause: 'unnoticed' }));
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** In Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
