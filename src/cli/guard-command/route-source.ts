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
    const known = { given, current, listen };
    const listeners = listenersFor(servers, known);
    const changes = changesFor(clients, listeners);
    const clash = await findClash(servers, listeners, known);
    if (clash !== undefined) throw namesGuard(clash, clients, besideServers(servers, known, clash.listen));
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

/** Where the guard listens, by the server behind it. */
type Listeners = ReadonlyMap<string, Address>;

/**
 * Chooses an address for each of the servers: the one that it has already, or else on 127.0.0.1 the server's own port, or
 * the next one. It does not depend on which ports are free: clients have to find it there tomorrow as well.
 */
function listenersFor(servers: readonly Address[], { given, current, listen }: Known): Listeners {
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
    listeners.set(formatAddress(server), { host, port });
  }
  return listeners;
}

function changesFor(clients: readonly ZeoClientConfig[], listeners: Listeners): readonly ConfigChange[] {
  return clients.flatMap(({ servers }) =>
    servers.map(({ addresses, at }) => {
      const from = addresses.map(formatAddress);
      return { ...at, from, to: from.map((server) => formatAddress(listeners.get(server) as Address)) };
    }),
  );
}

/** Those that were chosen, and are of no route yet. */
function chosenOf(listeners: Listeners, { given, current }: Known): readonly ListenAddress[] {
  const known = new Set([...given, ...current].map(({ listen }) => listen));
  const isChosen = (listen: Address): listen is ListenAddress => 'port' in listen && !known.has(listen);
  return [...listeners.values()].filter(isChosen);
}

/** A server that is where the guard would listen for clients of a server. */
interface Clash {
  readonly server: Address;
  readonly listen: ListenAddress;
}

async function findClash(
  servers: readonly Address[],
  listeners: Listeners,
  known: Known,
): Promise<Clash | undefined> {
  for (const listen of chosenOf(listeners, known))
    for (const server of servers) if (await leadsTo(server, listen)) return { server, listen };
  return undefined;
}

/** The first `--listen` after that address with which no chosen one has the port of a server; `undefined` if there is none. */
function besideServers(servers: readonly Address[], known: Known, after: ListenAddress) {
  const ports = new Set(servers.map((server) => ('port' in server ? server.port : undefined)));
  const last = lastPort - servers.length - known.given.length;
  for (let port = after.port + 1; port <= last; port++) {
    const listen = { ...after, port };
    const listeners = listenersFor(servers, { ...known, listen });
    if (chosenOf(listeners, known).every(({ port }) => !ports.has(port))) return { listen, listeners };
  }
  return undefined;
}

/** A configuration that has been changed already names the guard, whose own port would then be another one each time. */
function namesGuard(
  { server, listen }: Clash,
  clients: readonly ZeoClientConfig[],
  other: ReturnType<typeof besideServers>,
): KeepAliveError {
  const name = formatAddress(server);
  const change = other && changesFor(clients, other.listeners).find(({ from }) => from.includes(name));
  const remedy =
    other === undefined || change === undefined
      ? '--listen with another port'
      : `--listen ${formatAddress(other.listen)}, and in ${change.file}:${change.line} ` +
        `server ${change.to[change.from.indexOf(name)]} in place of server ${name}`;
  return invalid(
    `The guard itself would listen on ${formatAddress(listen)}, which the configuration names as a server; expected a ` +
      `configuration that does not name the guard yet, or, if ${name} is a server on this machine, ${remedy}`,
  );
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
