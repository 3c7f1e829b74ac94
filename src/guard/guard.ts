import { KeepAlive } from '../agent/keep-alive.js';
import type { KeepAliveOptions } from '../agent/settings.js';
import { StorageRegistry } from '../agent/storage-registry.js';
import { ClientDisconnected, KeepAliveError } from '../model/errors.js';
import { Frontend, type Route } from './frontend.js';
import { checkRoutes } from './route-check.js';

/**
 * Relays clients to ZEO servers, with an agent that keeps each of the connections alive: when a server is dead, its clients
 * are reset, and their own reconnecting brings them to one that lives.
 */
export class Guard {
  readonly agent: KeepAlive;
  readonly frontends: readonly Frontend[];
  readonly #databases = new StorageRegistry();
  readonly #routes: readonly Route[];

  /**
   * @param agentOptions override the environment
   * @throws KeepAliveError `ERR_KEEPALIVE_INVALID_SETTING`, also without a positive period
   */
  constructor(routes: readonly Route[], agentOptions: KeepAliveOptions) {
    this.#routes = routes;
    // Otherwise the agent would warn, while there are no clients, that nothing is opened.
    this.#databases.open('guard', this);
    this.agent = new KeepAlive(agentOptions, this.#databases);
    const { timeoutMs } = this.agent.status();
    if (timeoutMs === undefined) {
      throw new KeepAliveError(
        'ERR_KEEPALIVE_INVALID_SETTING',
        'The period is zero or negative, so no dead server would be found',
      );
    }
    this.frontends = routes.map(
      (route) =>
        new Frontend({
          route,
          timeoutMs,
          onRegistered: (relay) => this.#databases.open(relay.name, relay),
        }),
    );
  }

  /**
   * Listens on all addresses, or on none.
   *
   * @throws KeepAliveError `ERR_ZEO_INVALID_ADDRESS` for a server that is one of them; the system's error where one cannot
   *   be listened on
   */
  async start(): Promise<void> {
    await checkRoutes(this.#routes);
    try {
      for (const frontend of this.frontends) await frontend.open();
    } catch (error) {
      await this.stop(0);
      throw error;
    }
    this.agent.start();
  }

  /**
   * Accepts no client any more, ends each connection when its calls are answered, and resets those that are left after
   * `graceMs`.
   */
  async stop(graceMs: number): Promise<void> {
    for (const frontend of this.frontends) frontend.close();
    const relays = this.frontends.flatMap((frontend) => [...frontend.relays]);
    const ended = Promise.all(relays.map((relay) => relay.drain()));
    let timer: NodeJS.Timeout | undefined;
    const isOver = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs);
    });
    await Promise.race([ended, isOver]);
    clearTimeout(timer);
    const reason = new ClientDisconnected('The guard was stopped before its calls were answered');
    for (const { relays } of this.frontends) for (const relay of relays) relay.reset(reason);
    await this.agent.stop();
  }
}
