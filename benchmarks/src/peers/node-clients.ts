import { Child } from '../harness/child.js';
import type { Loss, PeerClientsApi } from '../processes/peer-clients.js';
import type { PeerServerApi } from '../processes/peer-server.js';
import type { Peer } from './peer.js';
import type { Clients, PeerServer } from './trial.js';

/** Connections of one of the peers that run on Node. */
export class NodeClients implements Clients {
  readonly #child: Child<PeerClientsApi>;

  private constructor(child: Child<PeerClientsApi>) {
    this.#child = child;
  }

  static async open(peer: Peer, ports: readonly number[]): Promise<NodeClients> {
    const child = new Child<PeerClientsApi>(new URL('../processes/peer-clients.js', import.meta.url));
    await child.call('open', { peer: peer.name, host: '127.0.0.1', ports });
    return new NodeClients(child);
  }

  static async serve(peer: Peer): Promise<PeerServer> {
    const child = new Child<PeerServerApi>(new URL('../processes/peer-server.js', import.meta.url));
    const port = await child.call('serve', { peer: peer.name });
    return { port, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
  }

  takeLosses(): Promise<Loss[]> {
    return this.#child.call('takeLosses', undefined);
  }

  async waitForLosses(count: number, ms: number): Promise<void> {
    await this.#child.call('waitForLosses', { count, ms });
  }

  async block(ms: number): Promise<void> {
    await this.#child.call('block', { ms });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#child[Symbol.asyncDispose]();
  }
}
