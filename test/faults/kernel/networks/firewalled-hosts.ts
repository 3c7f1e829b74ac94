import { type Computer, Network, serverPort } from './network.js';

/** Two networks and a stateful firewall between them, which passes only flows whose beginning it has seen. */
export class FirewalledHosts implements Disposable {
  readonly client: Computer;
  readonly server: Computer;
  readonly address = `10.2.0.2:${serverPort}`;
  readonly #network = new Network();

  constructor(forget: number) {
    this.client = this.#network.add('client');
    this.server = this.#network.add('server');
    const firewall = this.#network.add('firewall');
    this.#network.connect(this.client, 'eth0', firewall, 'west');
    this.#network.connect(this.server, 'eth0', firewall, 'east');
    this.client.address('eth0', '10.1.0.2/24');
    firewall.address('west', '10.1.0.1/24');
    this.server.address('eth0', '10.2.0.2/24');
    firewall.address('east', '10.2.0.1/24');
    this.client.ip('route', 'add', 'default', 'via', '10.1.0.1');
    this.server.ip('route', 'add', 'default', 'via', '10.2.0.1');
    firewall.filter([
      ':FORWARD DROP',
      '-A FORWARD -m conntrack --ctstate INVALID -j DROP',
      '-A FORWARD -p tcp --syn -m conntrack --ctstate NEW -j ACCEPT',
      '-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT',
    ]);
    firewall.sysctl(
      'net.ipv4.ip_forward=1',
      // Otherwise it accepts any packet as the beginning of a flow.
      'net.netfilter.nf_conntrack_tcp_loose=0',
      `net.netfilter.nf_conntrack_tcp_timeout_established=${forget}`,
    );
  }

  [Symbol.dispose](): void {
    this.#network[Symbol.dispose]();
  }
}
