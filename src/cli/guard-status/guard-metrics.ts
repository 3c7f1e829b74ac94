import { Counter, Gauge, Registry } from 'prom-client';
import type { Backend } from '../../guard/backend.js';
import type { Frontend } from '../../guard/frontend.js';
import type { Guard } from '../../guard/guard.js';
import { AgentMetrics } from '../watch/agent-metrics.js';
import { measureProcess } from '../watch/process-metrics.js';
import type { GuardStatistics } from './guard-statistics.js';

/**
 * Metrics of a guard for Prometheus: those of its agent, and its own. Their labels are the address where clients are accepted
 * and the server, never the client, of which there is any number.
 */
export class GuardMetrics {
  readonly #registry = new Registry();
  readonly #guard: Guard;
  readonly #statistics: GuardStatistics;
  readonly #agent;

  constructor(guard: Guard, statistics: GuardStatistics) {
    this.#guard = guard;
    this.#statistics = statistics;
    const names = ['listener', 'server'] as const;
    const of = ({ name }: { readonly name: string }) => {
      const server = statistics.serverOf(name);
      return server && this.#begin(server.listener, server.backend.name);
    };
    this.#agent = new AgentMetrics(guard.agent, { names, of }, this.#registry);
    this.#measureServers();
    this.#measureListeners();
    measureProcess(this.#registry);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** In Prometheus' text format. */
  text(): Promise<string> {
    for (const { listener, server } of this.#servers()) this.#begin(listener, server);
    return this.#registry.metrics();
  }

  #begin(listener: string, server: string) {
    const labels = { listener, server };
    this.#agent.begin(labels);
    return labels;
  }

  #measureServers(): void {
    const labelNames = ['listener', 'server'];
    const statisticsOf = (backend: Backend) => this.#statistics.of(backend);
    this.#gauge('server_up', 'Whether the server has greeted, and has not failed since', labelNames, () =>
      this.#ofServers(({ isUp, hasGreeted }) => (isUp && hasGreeted ? 1 : 0)),
    );
    this.#gauge('open_connections', 'Connections of clients being relayed now', labelNames, () =>
      this.#ofServers((backend) => statisticsOf(backend).open),
    );
    this.#counter('connections_total', 'Connections of clients that were relayed', labelNames, () =>
      this.#ofServers((backend) => statisticsOf(backend).begun),
    );
    this.#counter('deaths_total', 'Connections whose server was found dead', labelNames, () =>
      this.#ofServers((backend) => statisticsOf(backend).deaths),
    );
    this.#counter('received_bytes_total', 'Bytes received to be relayed', [...labelNames, 'from'], () =>
      this.#servers().flatMap(({ listener, server, backend }) => {
        const { fromClient, fromServer } = statisticsOf(backend).receivedBytes;
        return [
          { labels: { listener, server, from: 'client' }, value: fromClient },
          { labels: { listener, server, from: 'server' }, value: fromServer },
        ];
      }),
    );
  }

  #measureListeners(): void {
    const ofListeners = (value: (frontend: Frontend) => number) => () =>
      this.#guard.frontends.map((frontend) => ({
        labels: { listener: frontend.name },
        value: value(frontend),
      }));
    this.#gauge(
      'listener_up',
      'Whether clients are accepted',
      ['listener'],
      ofListeners(({ isListening }) => (isListening ? 1 : 0)),
    );
    this.#gauge(
      'waiting_clients',
      'Clients waiting for a server',
      ['listener'],
      ofListeners(({ waiting }) => waiting),
    );
    this.#counter(
      'refused_clients_total',
      'Clients that were refused: no server greeted, too many were waiting, or the TLS handshake failed',
      ['listener'],
      ofListeners((frontend) => this.#statistics.refused(frontend)),
    );
  }

  #servers() {
    return this.#guard.frontends.flatMap(({ name: listener, backends }) =>
      backends.map((backend) => ({ listener, server: backend.name, backend })),
    );
  }

  #ofServers(value: (backend: Backend) => number): readonly Sample[] {
    return this.#servers().map(({ listener, server, backend }) => ({
      labels: { listener, server },
      value: value(backend),
    }));
  }

  #gauge(...metric: Metric): void {
    this.#measure(Gauge, ...metric);
  }

  /** A counter that is counted elsewhere. */
  #counter(...metric: Metric): void {
    this.#measure(Counter, ...metric);
  }

  #measure(Kind: typeof Gauge | typeof Counter, ...[name, help, labelNames, samples]: Metric): void {
    new Kind({
      ...{ name: `zeo_keepalive_guard_${name}`, help, labelNames, registers: [this.#registry] },
      collect() {
        this.reset();
        for (const { labels, value } of samples()) this.inc(labels, value);
      },
    });
  }
}

type Metric = [name: string, help: string, labelNames: string[], samples: () => readonly Sample[]];

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}
