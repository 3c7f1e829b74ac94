import type { KeepAlive } from '../../agent/keep-alive.js';
import type { Backend } from '../../guard/backend.js';
import type { Frontend } from '../../guard/frontend.js';
import type { Relay } from '../../guard/relay.js';
import { RecentDeaths } from './recent-deaths.js';
import { type ClientConnection, ServerStatistics } from './server-statistics.js';

/** What has happened to a guard's clients and servers since it was started. */
export class GuardStatistics {
  readonly deaths = new RecentDeaths();
  readonly #periodMs: number;
  readonly #connections = new Map<string, ClientConnection>();
  readonly #servers = new WeakMap<Backend, ServerStatistics>();
  readonly #refused = new WeakMap<Frontend, number>();
  readonly #downSince = new WeakMap<Backend, Date>();

  constructor(agent: KeepAlive) {
    this.#periodMs = agent.status().periodMs ?? 0;
    agent.on('pingSucceeded', ({ name, roundTripMs }) => {
      const connection = this.#connections.get(name);
      if (connection === undefined || roundTripMs === undefined) return;
      connection.roundTripMs = roundTripMs;
      connection.statistics.roundTrips.record(roundTripMs);
    });
    agent.on('connectionDied', (event) => {
      const connection = this.#connections.get(event.name);
      if (connection === undefined) return;
      connection.statistics.died();
      this.deaths.record(connection.listener, connection.relay.address, event);
    });
  }

  /** Counts what happens at an address from now on. */
  watch(frontend: Frontend): void {
    frontend.on('relayed', (relay) => this.#follow(frontend, relay));
    frontend.on('refused', () => this.#refused.set(frontend, this.refused(frontend) + 1));
    frontend.on('serverDown', (backend) => this.#downSince.set(backend, new Date()));
    frontend.on('serverUp', (backend) => this.#downSince.delete(backend));
  }

  /** The relayed connections, by name, the oldest first. */
  get connections(): ReadonlyMap<string, ClientConnection> {
    return this.#connections;
  }

  of(backend: Backend): ServerStatistics {
    const present = this.#servers.get(backend);
    if (present !== undefined) return present;
    const statistics = new ServerStatistics(this.#periodMs);
    this.#servers.set(backend, statistics);
    return statistics;
  }

  /** How many clients were reset because no server greeted, or because too many waited. */
  refused(frontend: Frontend): number {
    return this.#refused.get(frontend) ?? 0;
  }

  /** `undefined` while it is up. */
  downSince(backend: Backend): Date | undefined {
    return this.#downSince.get(backend);
  }

  #follow(frontend: Frontend, relay: Relay): void {
    const statistics = this.of(relay.backend);
    const connection: ClientConnection = {
      ...{ relay, listener: frontend.name, since: new Date(), statistics },
      roundTripMs: undefined,
    };
    this.#connections.set(relay.name, connection);
    statistics.begin(connection);
    relay.once('closed', () => {
      this.#connections.delete(relay.name);
      statistics.end(connection);
    });
  }
}
