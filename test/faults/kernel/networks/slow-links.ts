import { cut } from './cut.js';
import { type Computer, Network, serverPort } from './network.js';

/** One of the cables between the two computers of {@link SlowLinks}. */
export interface Link {
  /** The server's address, `host:port`. */
  readonly address: string;
  /** The client's address, as the server sees it. */
  readonly clientHost: string;
  /** The name of the network card at either end. */
  readonly card: string;
}

/** A client's and a server's computer, with a cable of its own rate for each connection. */
export class SlowLinks implements Disposable {
  readonly client: Computer;
  readonly server: Computer;
  readonly #network = new Network();
  #laid = 0;

  constructor() {
    this.client = this.#network.add('client');
    this.server = this.#network.add('server');
  }

  /** @param megabits per second in each direction; by default the link is as fast as this machine */
  lay(megabits?: number): Link {
    const number = this.#laid;
    this.#laid += 1;
    const card = `link${number}`;
    this.#network.connect(this.client, card, this.server, card);
    const link = { serverHost: `10.1.${number}.1`, clientHost: `10.1.${number}.2` };
    this.client.address(card, `${link.clientHost}/24`);
    this.server.address(card, `${link.serverHost}/24`);
    if (megabits !== undefined) for (const end of [this.client, this.server]) end.shape(card, megabits);
    return { address: `${link.serverHost}:${serverPort}`, clientHost: link.clientHost, card };
  }

  /** Drops every packet of that link from now on. @returns the moment just before. */
  cut({ address }: Link): number {
    return cut(this.server, address, 'both ways');
  }

  [Symbol.dispose](): void {
    this.#network[Symbol.dispose]();
  }
}
