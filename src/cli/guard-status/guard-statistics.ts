import type { Backend } from '../../guard/backend.js';
import type { Frontend } from '../../guard/frontend.js';
import type { Guard } from '../../guard/guard.js';
import type { Relay } from '../../guard/relay.js';
import type { NamedTarget } from '../../guard/tls-sentries.js';
import { RecentDeaths } from './recent-deaths.js';
import { type ClientConnection, ServerStatistics } from './server-statistics.js';

/** What has happened to a guard's clients and servers since it was started. */
export class GuardStatistics {
  readonly deaths = new RecentDeaths();
  readonly #guard: Guard;
  readonly #periodMs: number;
  readonly #connections = new Map<NamedTarget, ClientConnection>();
  readonly #servers = new WeakMap<Backend, ServerStatistics>();
  readonly #refused = new WeakMap<Frontend, number>();
  readonly #downSince = new WeakMap<Backend, Date>();
  readonly #shortages = new WeakMap<Frontend, Error>();

  constructor(guard: Guard) {
    this.#guard = guard;
    const { agent } = guard;
    this.#periodMs = agent.status().periodMs ?? 0;
    agent.on('pingSucceeded', ({ name, roundTripMs }) => {
      const target = guard.target(name);
      if (target === undefined || roundTripMs === undefined) return;
      const connection = this.#connections.get(target);
      if (connection !== undefined) connection.roundTripMs = roundTripMs;
      this.of(target.backend).roundTrips.record(roundTripMs);
    });
    agent.on('connectionDied', (event) => {
      for (const { listener, relay, statistics } of this.#foundDead(guard.target(event.name))) {
        statistics.died();
        this.deaths.record(listener, relay.address, event);
      }
    });
  }

  /** The server that a connection is to, by its name, or that a sentry is for. */
  serverOf(name: string): { readonly listener: string; readonly backend: Backend } | undefined {
    const target = this.#guard.target(name);
    if (target === undefined) return undefined;
    const { backend } = target;
    const listener =
      this.#connections.get(target)?.listener ??
      this.#guard.frontends.find(({ backends }) => backends.includes(backend))?.name;
    return listener === undefined ? undefined : { listener, backend };
  }

  /** Counts what happens at an address from now on. */
  watch(frontend: Frontend): void {
    frontend.on('relayed', (relay) => this.#follow(frontend, relay));
    frontend.on('refused', () => this.#refused.set(frontend, this.refused(frontend) + 1));
    frontend.on('serverDown', (backend) => this.#downSince.set(backend, new Date()));
    frontend.on('serverUp', (backend) => this.#downSince.delete(backend));
    frontend.on('closed', (shortage) => shortage && this.#shortages.set(frontend, shortage));
    frontend.on('opened', () => this.#shortages.delete(frontend));
  }

  /** The relayed connections, the oldest first. */
  get connections(): readonly ClientConnection[] {
    return [...this.#connections.values()];
  }

  of(backend: Backend): ServerStatistics {
    const present = this.#servers.get(backend);
    if (present !== undefined) return present;
    const statistics = new ServerStatistics(this.#periodMs);
    this.#servers.set(backend, statistics);
    return statistics;
  }

  /** How many clients were refused: no server greeted, too many waited, or the TLS handshake failed. */
  refused(frontend: Frontend): number {
    return this.#refused.get(frontend) ?? 0;
  }

  /** Why no client is accepted, unless it is because no server greets. */
  shortage(frontend: Frontend): Error | undefined {
    return this.#shortages.get(frontend);
  }

  /** `undefined` while it is up. */
  downSince(backend: Backend): Date | undefined {
    return this.#downSince.get(backend);
  }

  /** The connections that a verdict is about: what the sentry of a server finds out is about all that it has. */
  #foundDead(target: NamedTarget | undefined): readonly ClientConnection[] {
    const connection = target && this.#connections.get(target);
    if (connection !== undefined) return [connection];
    return this.connections.filter(({ relay }) => relay.backend === target?.backend);
  }

  #follow(frontend: Frontend, relay: Relay): void {
    const statistics = this.of(relay.backend);
    const connection: ClientConnection = {
      ...{ relay, listener: frontend.name, since: new Date(), statistics },
      roundTripMs: undefined,
    };
    this.#connections.set(relay, connection);
    statistics.begin(connection);
    relay.once('closed', () => {
      this.#connections.delete(relay);
      statistics.end(connection);
    });
  }
}
