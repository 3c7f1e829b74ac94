import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { formatAddress } from '../../zeo/connection/address.js';
import type { ListenAddress } from './listen-address.js';

/** A response. */
export interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The paths that are served, and what makes the response for each. */
export type Pages = Readonly<Record<string, () => Page | Promise<Page>>>;

/** A connection without a request must not take the place of a probe for long. */
const limits = { requestTimeout: 5000, headersTimeout: 5000, connectionsCheckingInterval: 1000 };

/** Serves metrics, probes and pages for people, to GET and HEAD. */
export class MetricsServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #pages: ReadonlyMap<string, Pages[string]>;

  /** @throws Error that names the address, if the server cannot listen on it */
  static async listen({ host, port }: ListenAddress, pages: Pages): Promise<MetricsServer> {
    const server = new MetricsServer(pages);
    server.#server.listen({ host, port });
    try {
      await once(server.#server, 'listening');
    } catch (cause) {
      throw cannotServe({ host, port }, cause as NodeJS.ErrnoException);
    }
    return server;
  }

  private constructor(pages: Pages) {
    this.#pages = new Map(Object.entries(pages));
    this.#server = createServer(limits, (request, response) => {
      const path = (request.url ?? '').split('?', 1)[0] ?? '';
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        response.setHeader('allow', 'GET, HEAD');
        send(response, plainPage(405, 'GET or HEAD only'));
        return;
      }
      this.#pageAt(path).then(
        (page) => send(response, page),
        () => send(response, plainPage(500, 'The page could not be made')),
      );
    });
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

  async #pageAt(path: string): Promise<Page> {
    return (
      this.#pages.get(path)?.() ?? plainPage(404, `Not found; try ${[...this.#pages.keys()].join(', ')}`)
    );
  }
}

/** A page of plain text, one or more lines. */
export function plainPage(status: number, text: string): Page {
  return { status, type: 'text/plain; charset=utf-8', body: `${text}\n` };
}

function send(response: ServerResponse, { status, type, body, headers }: Page): void {
  const always = { 'content-type': type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
  response.writeHead(status, { ...always, ...headers }).end(body);
}

function cannotServe(address: ListenAddress, cause: NodeJS.ErrnoException): Error {
  const why = cause.code === 'EADDRINUSE' ? 'the port is in use' : cause.message;
  return new Error(`Cannot serve metrics on ${formatAddress(address)}: ${why}`, { cause });
}
