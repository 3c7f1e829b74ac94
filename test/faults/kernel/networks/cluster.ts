import { systemClock } from '#src/async/clock.js';
import { type Computer, Network, serverPort } from './network.js';

/** A client and two servers on a switch. */
export class Cluster implements Disposable {
  readonly client: Computer;
  readonly first: Computer;
  readonly second: Computer;
  readonly address = `10.1.0.1:${serverPort}`;
  readonly #network = new Network();
  readonly #switch: Computer;

  constructor() {
    this.#switch = this.#network.add('switch');
    this.#switch.ip('link', 'add', 'bridge', 'type', 'bridge');
    this.#switch.ip('link', 'set', 'bridge', 'up');
    this.client = this.#plugIn('client', '10.1.0.100/24');
    this.first = this.#plugIn('first', '10.1.0.1/24');
    this.second = this.#plugIn('second', '10.1.0.2/24');
  }

  /** Unplugs the first server. @returns the moment just before. */
  cutFirst(): number {
    const atMs = systemClock.now();
    this.#switch.ip('link', 'set', 'first', 'down');
    return atMs;
  }

  /** Gives the address to the second server and announces it to the network, as cluster managers do. */
  takeOver(): void {
    this.second.address('eth0', '10.1.0.1/24');
    // Makes the kernel announce its addresses (gratuitous ARP) whenever the hardware address is set.
    this.second.sysctl('net.ipv4.conf.eth0.arp_notify=1');
    this.second.ip('link', 'set', 'eth0', 'address', '02:00:00:00:00:02');
  }

  [Symbol.dispose](): void {
    this.#network[Symbol.dispose]();
  }

  #plugIn(name: string, address: string): Computer {
    const computer = this.#network.add(name);
    this.#network.connect(computer, 'eth0', this.#switch, name);
    this.#switch.ip('link', 'set', name, 'master', 'bridge');
    computer.address('eth0', address);
    return computer;
  }
}
