import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Pages, respond } from '../../observability/http-pages.js';
import { formatAddress } from '../../zeo/connection/address.js';
import type { ListenAddress } from '../io/listen-address.js';

/** A connection without a request must not take the place of a probe for long. */
const limits = { requestTimeout: 5000, headersTimeout: 5000, connectionsCheckingInterval: 1000 };

/** Serves metrics, probes and pages for people, to GET and HEAD. */
export class MetricsServer implements AsyncDisposable {
  readonly #server: Server;

  /** @throws Error that names the address, if the server cannot listen on it */
  static async listen({ host, port }: ListenAddress, pages: Pages): Promise<MetricsServer> {
    const server = new MetricsServer(pages);
    server.#server.listen({ host, port });
    try {
      await once(server.#server, 'listening');
    } catch (cause) {
      throw cannotServe({ host, port }, cause as NodeJS.ErrnoException);
    }
    // Of a connection that could not be accepted, as without a free file descriptor.
    server.#server.on('error', (error) => process.emitWarning(error));
    return server;
  }

  private constructor(pages: Pages) {
    this.#server = createServer(limits, (request, response) => respond(request, response, pages));
    // Enough for scrapers and probes, without letting them exhaust this process's file descriptors.
    this.#server.maxConnections = 64;
  }

  /** Where it listens, as `HOST:PORT`. */
  get address(): string {
    const { address: host, port } = this.#server.address() as AddressInfo;
    return formatAddress({ host, port });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

function cannotServe(address: ListenAddress, cause: NodeJS.ErrnoException): Error {
  const why = cause.code === 'EADDRINUSE' ? 'the port is in use' : cause.message;
  return new Error(`Cannot serve metrics on ${formatAddress(address)}: ${why}`, { cause });
}
