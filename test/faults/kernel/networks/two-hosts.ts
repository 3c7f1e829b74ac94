import { cut, type Direction } from './cut.js';
import { type Computer, Network, serverPort } from './network.js';

export const breaks = ['link', 'firewall', 'route'] as const;
export type Break = (typeof breaks)[number];

/**
 * A client's and a server's computer on one cable. The server has as many addresses as there are storages, so that each
 * connection can be cut off separately, and remains so when it is made again.
 */
export class TwoHosts implements Disposable {
  readonly client: Computer;
  readonly server: Computer;
  readonly #network = new Network();

  constructor() {
    this.client = this.#network.add('client');
    this.server = this.#network.add('server');
    this.#network.connect(this.client, 'eth0', this.server, 'eth0');
    this.client.address('eth0', '10.2.0.2/24');
    this.server.address('eth0', '10.2.0.1/24');
    // A network of the server's own behind one neighbour: the kernel keeps at most 1,024 neighbours, over all
    // namespaces.
    this.client.ip('route', 'add', '10.1.0.0/16', 'via', '10.2.0.1');
    this.server.ip('route', 'add', 'local', '10.1.0.0/16', 'dev', 'lo');
  }

  /** The first `count` addresses of the server, `host:port`. */
  addresses(count: number): string[] {
    return Array.from({ length: count }, (_, index) => `10.1.${index >> 8}.${index & 255}:${serverPort}`);
  }

  /** Drops all packets from or to an address of the server from now on. @returns the moment just before. */
  cut(address: string, direction: Direction): number {
    return cut(this.server, address, direction);
  }

  /**
   * From now on no packet to an address of the server leaves the client's computer: it has no link any more, a firewall that
   * refuses them, or a route to nowhere.
   */
  breakHere(address: string, by: Break): void {
    const [host] = address.split(':') as [string];
    if (by === 'link') this.client.ip('link', 'set', 'eth0', 'down');
    else if (by === 'firewall') this.client.filter([`-A OUTPUT -d ${host} -j DROP`]);
    else this.client.ip('route', 'add', 'blackhole', `${host}/32`);
  }

  /** Drops each packet with this probability from now on, in both directions. */
  lose(probability: number): void {
    this.server.lose(probability);
  }

  [Symbol.dispose](): void {
    this.#network[Symbol.dispose]();
  }
}
