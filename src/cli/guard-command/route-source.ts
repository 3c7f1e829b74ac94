import type { Route } from '../../guard/frontend.js';
import { leadsTo } from '../../guard/route-check.js';
import { KeepAliveError } from '../../model/errors.js';
import { parseConfigPlace } from '../../zconfig/config-place.js';
import { readZopeConfig, type ZeoClientConfig } from '../../zconfig/read-zope-config.js';
import { type Address, formatAddress } from '../../zeo/connection/address.js';
import type { ListenAddress } from '../io/listen-address.js';

/** What a line of a configuration has to say for its client to connect to the guard. */
export interface ConfigChange {
  readonly file: string;
  readonly line: number;
  /** The servers that it names. */
  readonly from: readonly string[];
  /** Where the guard listens for their clients. */
  readonly to: readonly string[];
}

export interface Routing {
  readonly routes: readonly Route[];
  readonly changes: readonly ConfigChange[];
}

export interface RouteSourceOptions {
  /** The routes of the command line. */
  readonly given: readonly Route[];
  /** A file with `<zeoclient>`s, or a `zconfig:` URI. */
  readonly config: string | undefined;
  /** Whether the guard speaks TLS with servers, or passes it through. */
  readonly hasServerTls?: boolean;
  /** Where to listen for the clients of the first server of the configuration; for the others on the ports after it. */
  readonly listen: ListenAddress | undefined;
}

/** The port for the clients of a server that has none, as it listens on a unix socket. */
const usualPort = 8100;
const lastPort = 65_535;

/**
 * Where to listen, and the servers behind that: what the command line says, and one address for each server that a
 * configuration names. Clients that name the same server share its address.
 */
export class RouteSource {
  readonly #options: RouteSourceOptions;

  constructor(options: RouteSourceOptions) {
    this.#options = options;
  }

  /** The file of the configuration: a `zconfig:` URI may contain a password. */
  get file(): string | undefined {
    const { config } = this.#options;
    return config === undefined ? undefined : parseConfigPlace(config).path;
  }

  /**
   * Reads the configuration. A server keeps the address that it has by one of the `current` routes.
   *
   * @throws ConfigError; KeepAliveError `ERR_ZEO_INVALID_ARGUMENT` for a configuration that cannot be served
   */
  async read(current: readonly Route[] = []): Promise<Routing> {
    const { given, config, hasServerTls = false, listen } = this.#options;
    if (config === undefined) return { routes: given, changes: [] };
    const clients = await readZopeConfig(config);
    if (clients.length === 0) throw invalid(`${this.file} declares no <zeoclient>`);
    for (const client of clients) if (!hasServerTls) checkPlain(client);
    const named = clients.flatMap(({ servers }) => servers.flatMap(({ addresses }) => addresses));
    const servers = [...new Map(named.map((server) => [formatAddress(server), server])).values()];
    const listeners = await listenersFor(servers, { given, current, listen });
    const changes = clients.flatMap(({ servers }) =>
      servers.map(({ addresses, at }) => {
        const from = addresses.map(formatAddress);
        return { ...at, from, to: from.map((server) => formatAddress(listeners.get(server) as Address)) };
      }),
    );
    const added = servers
      .map((server) => ({ listen: listeners.get(formatAddress(server)) as Address, servers: [server] }))
      .filter((route) => serverOf(given, route.listen) === undefined);
    return { routes: [...given, ...added], changes };
  }
}

interface Known {
  readonly given: readonly Route[];
  readonly current: readonly Route[];
  readonly listen: ListenAddress | undefined;
}

/**
 * Chooses an address for each of the servers: the one that it has already, or else on 127.0.0.1 the server's own port, or
 * the next one. It does not depend on which ports are free: clients have to find it there tomorrow as well.
 */
async function listenersFor(
  servers: readonly Address[],
  { given, current, listen }: Known,
): Promise<ReadonlyMap<string, Address>> {
  const listeners = new Map<string, Address>();
  for (const server of servers) {
    const known = [...given, ...current].find((route) => isOnly(route, server));
    if (known !== undefined) listeners.set(formatAddress(server), known.listen);
  }
  const host = listen?.host ?? '127.0.0.1';
  const isTaken = (port: number) => {
    const others = [...given.map(({ listen }) => listen), ...listeners.values()];
    return others.some((other) => 'port' in other && other.port === port);
  };
  for (const server of servers) {
    if (listeners.has(formatAddress(server))) continue;
    let port = listen?.port ?? ('port' in server ? server.port : usualPort);
    while (port <= lastPort && isTaken(port)) port += 1;
    if (port > lastPort) throw invalid(`There is no port left for the clients of ${formatAddress(server)}`);
    await checkLoop(servers, { host, port });
    listeners.set(formatAddress(server), { host, port });
  }
  return listeners;
}

/** A configuration that has been changed already names the guard, whose own port would then be another one each time. */
async function checkLoop(servers: readonly Address[], listen: ListenAddress): Promise<void> {
  for (const server of servers) {
    if (!(await leadsTo(server, listen))) continue;
    throw invalid(
      `The guard itself would listen on ${formatAddress(listen)}, which the configuration names as a server; expected a ` +
        'configuration that does not name the guard yet, or --listen with another port if that server is on this machine',
    );
  }
}

/** Whether it is the only server of a route. */
function isOnly({ servers }: Route, server: Address): boolean {
  return servers.length === 1 && servers.every((other) => formatAddress(other) === formatAddress(server));
}

function serverOf(routes: readonly Route[], listen: Address): Route | undefined {
  return routes.find((route) => formatAddress(route.listen) === formatAddress(listen));
}

/** A client that speaks TLS to its server would not get a greeting from the guard. */
function checkPlain({ name, ssl, file, line }: ZeoClientConfig): void {
  if (ssl === undefined) return;
  throw invalid(
    `${file}:${line}: ${name} has an <ssl> section, so its servers speak TLS; expected --server-tls-cert, --server-tls-key and ` +
      '--server-tls-ca with what the section has as certificate, key and authenticate, or --tls-passthrough',
  );
}

function invalid(message: string): KeepAliveError {
  return new KeepAliveError('ERR_ZEO_INVALID_ARGUMENT', message);
}
