/*
 * One address on which clients are accepted, until each of them has a server.
 *
 * Rules:
 * - A client gets the first server, in the order of the list, that is up and greets.
 * - While none is up, a client is held for a few seconds: Python's comes back at once when it is closed, thousands of
 *   times a second. Then it is reset, and nothing is accepted until a server greets: a refused client waits by itself.
 */
import { EventEmitter, once } from 'node:events';
import type { Socket } from 'node:net';
import { ClientDisconnected } from '../model/errors.js';
import { reset } from '../tcp/reset.js';
import { type Address, formatAddress } from '../zeo/connection/address.js';
import type { TlsOptions } from '../zeo/connection/tls.js';
import { type Backend, type Dialed, isOwnShortage } from './backend.js';
import { BackendPool, whyNoneServes } from './backend-pool.js';
import { ConnectPacer } from './connect-pacer.js';
import type { DescriptorReserve } from './descriptor-reserve.js';
import { ListeningAddress } from './listening-address.js';
import { PassThroughRelay } from './pass-through-relay.js';
import type { PingMethod } from './ping-injector.js';
import type { Relay } from './relay.js';
import { ClientHellos } from './tls/client-hellos.js';
import { type Handshakes, type ListenerTls, TlsHandshakes } from './tls/tls-handshakes.js';
import type { NamedTarget } from './tls-sentries.js';
import { WaitingClient } from './waiting-client.js';
import { ZeoRelay } from './zeo-relay.js';

/** Within a minute Python's client wants a greeting, or its heartbeat fails for good. */
const shortestHoldMs = 5000;
const longestHoldMs = 30_000;
/** A client's processor may be slower than the way to it. */
const shortestHandshakeMs = 5000;
/** More clients than this, in handshakes or without a server, are reset at once, so that they take no memory. */
const mostWaiting = 1000;

/** Where clients are accepted, and the servers that they are relayed to, the preferred first. */
export interface Route {
  readonly listen: Address;
  readonly servers: readonly Address[];
}

/** What happens at an address, in order. */
export interface FrontendEvents {
  serverDown: [backend: Backend, error: Error];
  serverUp: [backend: Backend];
  /** A client has a server; it is not registered yet. */
  relayed: [relay: Relay];
  /** A client was reset because no server greeted or too many wait, or closed because its TLS handshake failed. */
  refused: [reason: Error];
  /** No client is accepted until a server greets, or until there are descriptors again if there is a shortage. */
  closed: [shortage: Error | undefined];
  /** Clients are accepted again. */
  opened: [];
  /** Clients should be accepted again, and the system does not allow it. It is tried again. */
  openFailed: [error: Error];
}

/** TLS on either side of the guard, without which a side is plain; or between clients and servers themselves. */
export interface GuardTls {
  readonly passThrough?: boolean | undefined;
  readonly clients?: ListenerTls | undefined;
  readonly servers?: TlsOptions | undefined;
}

export interface FrontendOptions {
  readonly route: Route;
  readonly tls: GuardTls;
  readonly periodMs: number;
  readonly timeoutMs: number;
  readonly pingMethod: PingMethod;
  /** From now on the agent keeps it alive, until it emits `closed`. */
  readonly keepAlive: (target: NamedTarget) => void;
  readonly descriptors: DescriptorReserve;
  /** A number for each connection, unique in the guard: an address may be given up, and used again. */
  readonly nextNumber: () => number;
}

export class Frontend extends EventEmitter<FrontendEvents> {
  readonly #options: FrontendOptions;
  readonly #pool: BackendPool;
  readonly #waiting = new Set<WaitingClient>();
  readonly #relays = new Set<Relay>();
  readonly #pacer = new ConnectPacer();
  #holdMs = shortestHoldMs;
  readonly #handshakes: Handshakes | undefined;
  readonly #listener: ListeningAddress;

  constructor(options: FrontendOptions) {
    super();
    const { route, tls, timeoutMs } = options;
    const { listen, servers } = route;
    this.#options = options;
    this.#listener = new ListeningAddress(listen, options.descriptors, (socket) => this.#accept(socket))
      .on('opened', () => this.emit('opened'))
      .on('openFailed', (error) => this.emit('openFailed', error));
    this.#pool = new BackendPool({
      ...{ timeoutMs, tls: tls.servers, passesTls: tls.passThrough === true },
      keepAlive: options.keepAlive,
    })
      .on('down', (backend, error) => this.emit('serverDown', backend, error))
      .on('up', (backend) => this.emit('serverUp', backend))
      .on('available', () => void this.#listener.reopen())
      .on('dead', (backend, error) => {
        for (const relay of this.#relays) if (relay.backend === backend) relay.drop(error);
      });
    this.serve(servers);
    const handshakes = {
      timeoutMs: Math.max(shortestHandshakeMs, timeoutMs),
      accepted: (socket: Socket) => this.#hold(socket),
      refused: (reason: Error) => this.emit('refused', reason),
    };
    if (tls.passThrough) this.#handshakes = new ClientHellos(handshakes);
    else if (tls.clients !== undefined)
      this.#handshakes = new TlsHandshakes({ ...handshakes, tls: tls.clients });
  }

  /** Where it was to listen, and the servers by now. */
  get route(): Route {
    const { listen } = this.#options.route;
    return { listen, servers: this.backends.map(({ address }) => address) };
  }

  get tls(): GuardTls {
    return this.#options.tls;
  }

  /** The servers, the preferred first. */
  get backends(): readonly Backend[] {
    return this.#pool.backends;
  }

  /** From now on clients get these servers. Connections to others go on, as {@link orphans}. Returns whether anything changes. */
  serve(servers: readonly Address[]): boolean {
    const holdMs = servers.length * this.#options.timeoutMs + 1000;
    this.#holdMs = Math.min(Math.max(shortestHoldMs, holdMs), longestHoldMs);
    return this.#pool.replace(servers);
  }

  /** Where it listens. */
  get address(): Address {
    return this.#listener.address;
  }

  /** The same, as a user would write it. */
  get name(): string {
    return formatAddress(this.address);
  }

  /** The relayed connections. */
  get relays(): ReadonlySet<Relay> {
    return this.#relays;
  }

  /** Those of them to servers that its clients of now do not get. */
  get orphans(): readonly Relay[] {
    return [...this.#relays].filter(({ backend }) => !this.backends.includes(backend));
  }

  get isListening(): boolean {
    return this.#listener.isOpen;
  }

  /** How many clients wait for a server. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** @throws the system's error */
  async open(): Promise<void> {
    await this.#listener.open();
    if (this.isListening) this.#pool.watch(this.name);
  }

  /** Finds out whether each server still greets that is not pinged on a connection. */
  probe(): void {
    this.#checkDescriptors();
    const ready = [...this.#relays].filter((relay) => relay.ready);
    this.#pool.probe(new Set(ready.map(({ backend }) => backend)));
  }

  /** Stops accepting clients. Relayed connections go on. */
  close(): void {
    this.#listener.close();
    this.#pool.close();
    this.#handshakes?.close();
    const reason = new ClientDisconnected('The guard is being stopped');
    for (const client of this.#waiting) this.#refuse(client, reason);
  }

  #accept(socket: Socket): void {
    if (this.#waiting.size + (this.#handshakes?.count ?? 0) >= mostWaiting) {
      socket.on('error', () => {});
      reset(socket);
      this.emit('refused', new ClientDisconnected(`${mostWaiting} clients are already waiting for a server`));
      return;
    }
    if (this.#handshakes === undefined) this.#hold(socket);
    else this.#handshakes.start(socket);
    this.#checkDescriptors();
  }

  #hold(socket: Socket): void {
    const client = new WaitingClient(socket, () => this.#expire(client));
    this.#waiting.add(client);
    void this.#serve(client);
  }

  async #serve(client: WaitingClient): Promise<void> {
    const { signal } = client;
    const freeDescriptor = this.#options.descriptors.book();
    let hasTurn = false;
    while (!signal.aborted) {
      try {
        // It may be one of many that have lost the same server.
        if (!hasTurn) await this.#pacer.turn(signal);
        hasTurn = true;
        client.hold(this.#holdMs);
        const backend = this.#pool.preferred;
        if (backend !== undefined) {
          freeDescriptor();
          this.#relay(client, backend, await backend.dial(signal));
          this.#checkDescriptors();
        } else {
          await once(this.#pool, 'available', { signal });
          hasTurn = false;
        }
      } catch (error) {
        // Otherwise the client is gone, or the server is down now.
        if (isOwnShortage(error) && !this.#checkDescriptors()) this.#refuse(client, error as Error);
      }
      if (!this.#waiting.has(client)) break;
    }
    freeDescriptor();
    this.#waiting.delete(client);
  }

  #relay(client: WaitingClient, backend: Backend, { socket: server, greeting }: Dialed): void {
    if (client.signal.aborted) {
      server.destroy();
      return;
    }
    this.#waiting.delete(client);
    const { periodMs, timeoutMs, pingMethod, keepAlive, nextNumber } = this.#options;
    const received = client.release();
    const options = { name: `${this.name} #${nextNumber()}`, client: client.socket, backend, server };
    const relay =
      greeting === undefined
        ? new PassThroughRelay({ ...options, received, periodMs })
        : new ZeoRelay({
            ...{ ...options, registration: greeting.registration, timeoutMs, pingMethod },
            received: { fromClient: received, fromServer: greeting.received },
            onRegistered: keepAlive,
            onUnanswered: (relay, error) => this.#doubt(relay, error),
          });
    this.#relays.add(relay);
    relay.once('closed', () => this.#relays.delete(relay));
    this.emit('relayed', relay);
    if (greeting === undefined) keepAlive(relay);
  }

  /**
   * If none are left, the reserve is for those that were accepted, and others are refused until there are more: one that is
   * accepted and closed comes back at once. Returns whether that begins now.
   */
  #checkDescriptors(): boolean {
    if (!this.isListening) return false;
    const shortage = this.#options.descriptors.shortage();
    if (shortage === undefined) return false;
    this.#listener.pause();
    this.emit('closed', shortage);
    return true;
  }

  /** Pings show whether a server is well that serves other clients; one that serves none may accept no registration at all. */
  #doubt({ backend }: Relay, error: Error): void {
    const isServing = [...this.#relays].some((relay) => relay.backend === backend && relay.ready);
    if (!isServing) backend.passOver();
    void backend.suspect(error);
  }

  /** No server has greeted for as long as a client can be held. */
  #expire(client: WaitingClient): void {
    this.#refuse(client, new ClientDisconnected(`No server greets: ${whyNoneServes(this.backends)}`));
    if (!this.isListening || this.#pool.preferred !== undefined) return;
    this.#listener.shut();
    this.emit('closed', undefined);
  }

  #refuse(client: WaitingClient, reason: Error): void {
    this.#waiting.delete(client);
    client.giveUp(reason);
    reset(client.socket);
    this.emit('refused', reason);
  }
}
