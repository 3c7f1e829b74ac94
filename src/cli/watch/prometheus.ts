import { Counter, Gauge, Registry } from 'prom-client';
import type { KeepAlive } from '../../agent/keep-alive.js';
import { type Cause, causeInWords } from '../../tcp/diagnosis.js';
import { AgentMetrics, troubleHistogram } from './agent-metrics.js';
import { measureProcess } from './process-metrics.js';
import { isTrouble, type Row } from './snapshot.js';

const causes = Object.keys(causeInWords) as Cause[];

interface Storages {
  states(): readonly Pick<Row, 'name' | 'state'>[];
}

/** Metrics for Prometheus: what the agent finds out, by storage, and the present state of each. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #storages: Storages;
  readonly #found;
  readonly #reconnects;
  readonly #outages;
  readonly #begun = new Set<string>();

  constructor(agent: KeepAlive, storages: Storages) {
    const registers = [this.#registry];
    this.#storages = storages;
    const of = ({ name }: { readonly name: string }) => this.#begin(name);
    this.#found = new AgentMetrics(agent, { names: ['storage'], of }, this.#registry);
    this.#reconnects = new Counter({
      name: 'zeo_keepalive_reconnects_total',
      help: 'Connections that replaced a lost one',
      labelNames: ['storage', 'cause'],
      registers,
    });
    this.#outages = troubleHistogram(
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
        for (const { name, state } of storages.states())
          this.set({ storage: name }, isTrouble(state) ? 0 : 1);
      },
    });
    measureProcess(this.#registry);
    agent.on('connectionBack', ({ name, downForMs, cause }) => {
      const labels = { ...this.#begin(name), cause };
      this.#reconnects.inc(labels);
      this.#outages.observe(labels, downForMs / 1000);
    });
    agent.on('connectionReplaced', ({ name }) =>
      this.#reconnects.inc({ ...this.#begin(name), cause: 'unnoticed' }),
    );
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** In Prometheus' text format. */
  text(): Promise<string> {
    for (const { name } of this.#storages.states()) this.#begin(name);
    return this.#registry.metrics();
  }

  /** Starts the series of a storage at 0, before anything is counted, and returns its label. */
  #begin(storage: string) {
    const own = { storage };
    this.#found.begin(own);
    if (this.#begun.has(storage)) return own;
    this.#begun.add(storage);
    for (const cause of [...causes, 'unnoticed']) this.#reconnects.inc({ storage, cause }, 0);
    for (const cause of causes) this.#outages.zero({ storage, cause });
    return own;
  }
}
