import { cut, type Direction } from './cut.js';
import { type Computer, Network, serverPort } from './network.js';

/**
 * A client's and a server's computer on one cable. The server's has as many addresses as there are storages, so that each
 * connection can be cut off by itself, and stays so when it is made anew.
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
    // A network that is the server's alone, and behind one neighbour: the kernel knows at most 1,024 of them in all
    // namespaces together.
    this.client.ip('route', 'add', '10.1.0.0/16', 'via', '10.2.0.1');
    this.server.ip('route', 'add', 'local', '10.1.0.0/16', 'dev', 'lo');
  }

  /** So many addresses of the server, `host:port`. */
  addresses(count: number): string[] {
    return Array.from({ length: count }, (_, index) => `10.1.${index >> 8}.${index & 255}:${serverPort}`);
  }

  /** From now on packets from or to an address of the server vanish. @returns the moment just before. */
  cut(address: string, direction: Direction): number {
    return cut(this.server, address, direction);
  }

  /** From now on each packet is lost with this probability, in both directions. */
  lose(probability: number): void {
    const chance = `-m statistic --mode random --probability ${probability} -j DROP`;
    this.server.filter([`-A INPUT ${chance}`, `-A OUTPUT ${chance}`]);
  }

  [Symbol.dispose](): void {
    this.#network[Symbol.dispose]();
  }
}
