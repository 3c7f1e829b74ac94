import type { Relay } from '../../guard/relay.js';
import { RoundTripHistory } from './round-trip-history.js';

/** A client's connection that is relayed now. */
export interface ClientConnection {
  readonly relay: Relay;
  readonly listener: string;
  readonly since: Date;
  readonly statistics: ServerStatistics;
  /** Of its last answered ping. */
  roundTripMs: number | undefined;
}

/** What is counted for a server behind one address: all connections that it has had. */
export class ServerStatistics {
  readonly roundTrips: RoundTripHistory;
  readonly #open = new Set<ClientConnection>();
  #begun = 0;
  #deaths = 0;
  #endedBytes = { fromClient: 0, fromServer: 0 };

  constructor(periodMs: number) {
    this.roundTrips = new RoundTripHistory(periodMs);
  }

  /** Connections that are relayed now. */
  get open(): number {
    return this.#open.size;
  }

  /** Connections that there have been. */
  get begun(): number {
    return this.#begun;
  }

  /** Connections that were found dead. */
  get deaths(): number {
    return this.#deaths;
  }

  /** What came from clients and from the server. Of a connection it counts what came until one side had ended it. */
  get receivedBytes(): { readonly fromClient: number; readonly fromServer: number } {
    const sum = { ...this.#endedBytes };
    for (const { relay } of this.#open) add(sum, relay);
    return sum;
  }

  begin(connection: ClientConnection): void {
    this.#begun += 1;
    this.#open.add(connection);
  }

  died(): void {
    this.#deaths += 1;
  }

  end(connection: ClientConnection): void {
    if (this.#open.delete(connection)) add(this.#endedBytes, connection.relay);
  }
}

function add(sum: { fromClient: number; fromServer: number }, { receivedBytes }: Relay): void {
  sum.fromClient += receivedBytes.fromClient;
  sum.fromServer += receivedBytes.fromServer;
}
