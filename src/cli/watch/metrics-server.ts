import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { formatAddress } from '../../zeo/connection/address.js';
import type { ListenAddress } from './listen-address.js';
import { isTrouble, type Row } from './snapshot.js';

export interface MetricsSource {
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  /** Whether this program works. */
  readonly isHealthy: () => boolean;
  /** The storages opened so far; fewer than `expected` while they are being opened. */
  readonly rows: () => readonly Row[];
  /** How many storages there will be in all. */
  readonly expected: number;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const plainText = 'text/plain; charset=utf-8';
const noWorker = 'the worker thread is not running';

/**
 * | path | response |
 * | --- | --- |
 * | `/metrics` | Prometheus text |
 * | `/healthz` | 200 while the agent runs, else 503: for a liveness probe |
 * | `/readyz` | 200 while the agent runs and every storage is well, else 503 and the problems: for a readiness probe |
 */
export class MetricsServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #source: MetricsSource;

  /** @throws Error that names the address, if the server cannot listen on it */
  static async listen({ host, port }: ListenAddress, source: MetricsSource): Promise<MetricsServer> {
    const server = new MetricsServer(source);
    server.#server.listen({ host, port });
    try {
      await once(server.#server, 'listening');
    } catch (cause) {
      throw cannotServe({ host, port }, cause as NodeJS.ErrnoException);
    }
    return server;
  }

  private constructor(source: MetricsSource) {
    this.#source = source;
    this.#server = createServer({ requestTimeout: 5_000, headersTimeout: 5_000 }, (request, response) => {
      const path = (request.url ?? '').split('?', 1)[0] ?? '';
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        response.setHeader('allow', 'GET, HEAD');
        send(response, { status: 405, type: plainText, body: 'GET or HEAD only\n' });
        return;
      }
      this.#answer(path).then(
        (answer) => send(response, answer),
        () => send(response, { status: 500, type: plainText, body: 'The metrics could not be collected\n' }),
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

  async #answer(path: string): Promise<Answer> {
    const { metrics, isHealthy } = this.#source;
    switch (path) {
      case '/metrics':
        return { status: 200, type: metrics.contentType, body: await metrics.text() };
      case '/healthz':
        return probed(isHealthy() ? [] : [noWorker]);
      case '/readyz':
        return probed([...this.#unready()]);
      default:
        return { status: 404, type: plainText, body: 'Not found; try /metrics, /healthz or /readyz\n' };
    }
  }

  *#unready(): Iterable<string> {
    const { isHealthy, rows, expected } = this.#source;
    const present = rows();
    if (!isHealthy()) yield noWorker;
    if (present.length < expected)
      yield `${expected - present.length} of ${expected} storages are not open yet`;
    for (const { name, state } of present) if (isTrouble(state)) yield `${name}: ${state}`;
  }
}

function probed(problems: readonly string[]): Answer {
  const isWell = problems.length === 0;
  return { status: isWell ? 200 : 503, type: plainText, body: `${isWell ? 'ok' : problems.join('\n')}\n` };
}

function send(response: ServerResponse, { status, type, body }: Answer): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
}

function cannotServe(address: ListenAddress, cause: NodeJS.ErrnoException): Error {
  const why = cause.code === 'EADDRINUSE' ? 'the port is in use' : cause.message;
  return new Error(`Cannot serve metrics on ${formatAddress(address)}: ${why}`, { cause });
}
