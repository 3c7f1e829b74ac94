import { KeepAlive } from '../agent/keep-alive.js';
import type { KeepAliveOptions } from '../agent/settings.js';
import { StorageRegistry } from '../agent/storage-registry.js';
import { ClientDisconnected, KeepAliveError } from '../model/errors.js';
import { type Address, formatAddress } from '../zeo/connection/address.js';
import { resolveTls } from '../zeo/connection/tls.js';
import { DescriptorReserve } from './descriptor-reserve.js';
import { Frontend, type GuardTls, type Route } from './frontend.js';
import type { PingMethod } from './ping-injector.js';
import type { Relay } from './relay.js';
import { checkRoutes } from './route-check.js';
import type { NamedTarget } from './tls-sentries.js';

export interface GuardOptions {
  readonly pingMethod?: PingMethod | undefined;
  readonly tls?: GuardTls | undefined;
}

/** What a change of the routes comes to. */
export interface Rerouted {
  readonly opened: readonly Frontend[];
  /** Those with other servers than before, or in another order. */
  readonly changed: readonly Frontend[];
  readonly closed: readonly Frontend[];
  /** Resolves when the connections of those that were closed have ended. */
  readonly ended: Promise<void>;
}

/**
 * Relays clients to ZEO servers, with an agent that keeps each of the connections alive: when a server is dead, its clients
 * are reset, and their own reconnecting brings them to one that lives.
 */
export class Guard {
  readonly agent: KeepAlive;
  readonly #databases = new StorageRegistry();
  readonly #periodMs: number;
  readonly #timeoutMs: number;
  readonly #pingMethod: PingMethod;
  readonly #tls: GuardTls;
  readonly #descriptors = new DescriptorReserve();
  #frontends: readonly Frontend[];
  /** Also those that are opened, or ended, in a change of the routes. */
  readonly #all = new Set<Frontend>();
  /** How many connections there have been. */
  #relayed = 0;
  #idleTimer: NodeJS.Timeout | undefined;
  #isStopping = false;

  /**
   * @param agentOptions override the environment
   * @param options `pingMethod`: default `ping`; `tls`: default none
   * @throws KeepAliveError `ERR_KEEPALIVE_INVALID_SETTING`, also without a positive period; `ERR_ZEO_INVALID_ARGUMENT` for a
   *   certificate or key that is not valid
   */
  constructor(routes: readonly Route[], agentOptions: KeepAliveOptions, options: GuardOptions = {}) {
    // Otherwise the agent would warn, while there are no clients, that nothing is opened.
    this.#databases.open('guard', this);
    this.agent = new KeepAlive(agentOptions, this.#databases);
    const { periodMs, timeoutMs } = this.agent.status();
    if (periodMs === undefined || timeoutMs === undefined) {
      throw new KeepAliveError(
        'ERR_KEEPALIVE_INVALID_SETTING',
        'The period is zero or negative, so no dead server would be found',
      );
    }
    this.#periodMs = periodMs;
    this.#timeoutMs = timeoutMs;
    this.#pingMethod = options.pingMethod ?? 'ping';
    const { tls } = options;
    // Read once for all servers.
    this.#tls = { ...tls, servers: resolveTls(tls?.servers) };
    this.#frontends = routes.map((route) => this.#newFrontend(route));
  }

  /** Where clients are accepted. */
  get frontends(): readonly Frontend[] {
    return this.#frontends;
  }

  /** What the agent keeps alive under that name: a connection, or the sentry of a server. */
  target(name: string): NamedTarget | undefined {
    const target = this.#databases.opened.get(name);
    return target === this ? undefined : (target as NamedTarget | undefined);
  }

  get routes(): readonly Route[] {
    return this.#frontends.map(({ route }) => route);
  }

  /**
   * Listens on all addresses, or on none.
   *
   * @throws KeepAliveError `ERR_ZEO_INVALID_ADDRESS` for a server that is one of them; the system's error where one cannot
   *   be listened on
   */
  async start(): Promise<void> {
    await checkRoutes(this.routes, this.#listens);
    try {
      for (const frontend of this.frontends) await frontend.open();
    } catch (error) {
      await this.stop(0);
      throw error;
    }
    this.agent.start();
  }

  /**
   * Takes other routes: listens where it did not yet, has clients of the other addresses served by the servers of now, and
   * ends where it is not to listen any more, as {@link stop} does. If it throws, all is as before.
   *
   * @param onNew called with each new address before clients can connect to it
   * @throws as {@link start}
   */
  async reroute(
    routes: readonly Route[],
    graceMs: number,
    onNew?: (frontend: Frontend) => void,
  ): Promise<Rerouted> {
    await checkRoutes(routes, [...this.#listens, ...routes.map(({ listen }) => listen)]);
    this.#checkRunning();
    const left = [...this.#frontends];
    const matched = routes.map((route) => {
      const at = left.findIndex((frontend) => isSameListen(frontend.route, route));
      return { route, known: at < 0 ? undefined : left.splice(at, 1)[0] };
    });
    const opened: Frontend[] = [];
    const next = matched.map(({ route, known }) => {
      if (known !== undefined) return known;
      const frontend = this.#newFrontend(route);
      opened.push(frontend);
      return frontend;
    });
    try {
      for (const frontend of opened) {
        onNew?.(frontend);
        await frontend.open();
      }
      this.#checkRunning();
    } catch (error) {
      await this.#end(opened, 0);
      throw error;
    }
    this.#frontends = next;
    const changed = matched.flatMap(({ route, known }) => (known?.serve(route.servers) ? [known] : []));
    const orphans = changed.flatMap((frontend) => frontend.orphans);
    const ended = Promise.all([this.#end(left, graceMs), drainAll(orphans, graceMs)]).then(() => {});
    return { opened, changed, closed: left, ended };
  }

  /**
   * From now on connects once a period to each server that has no connection, at first now: so that one that is down is known
   * before a client wants it.
   */
  watchIdleServers(): void {
    const probe = () => {
      for (const frontend of this.frontends) frontend.probe();
    };
    const { periodMs } = this.agent.status();
    clearInterval(this.#idleTimer);
    this.#idleTimer = setInterval(probe, periodMs).unref();
    probe();
  }

  /**
   * Accepts no client any more, ends each connection when its calls are answered, and resets those that are left after
   * `graceMs`.
   */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#idleTimer);
    await this.#end([...this.#all], graceMs);
    this.#descriptors.release();
    await this.agent.stop();
  }

  get #listens(): readonly Address[] {
    return this.#frontends.map(({ address }) => address);
  }

  #newFrontend(route: Route): Frontend {
    const frontend = new Frontend({
      route,
      tls: this.#tls,
      periodMs: this.#periodMs,
      timeoutMs: this.#timeoutMs,
      pingMethod: this.#pingMethod,
      keepAlive: (target) => this.#databases.open(target.name, target),
      descriptors: this.#descriptors,
      nextNumber: () => ++this.#relayed,
    });
    this.#all.add(frontend);
    return frontend;
  }

  async #end(frontends: readonly Frontend[], graceMs: number): Promise<void> {
    for (const frontend of frontends) frontend.close();
    await drainAll(
      frontends.flatMap(({ relays }) => [...relays]),
      graceMs,
    );
    for (const frontend of frontends) this.#all.delete(frontend);
  }

  #checkRunning(): void {
    if (this.#isStopping) throw new ClientDisconnected('The guard is being stopped');
  }
}

/** Ends each of them when its calls are answered, and resets those that are left after `graceMs`. */
async function drainAll(relays: readonly Relay[], graceMs: number): Promise<void> {
  const ended = Promise.all(relays.map((relay) => relay.drain()));
  let timer: NodeJS.Timeout | undefined;
  const isOver = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, graceMs);
  });
  await Promise.race([ended, isOver]);
  clearTimeout(timer);
  const reason = new ClientDisconnected('The guard was stopped before its calls were answered');
  for (const relay of relays) relay.reset(reason);
}

/** Of several whose port is left to the system any will do. */
function isSameListen(one: Route, other: Route): boolean {
  return formatAddress(one.listen) === formatAddress(other.listen);
}
