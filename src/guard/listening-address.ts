import { EventEmitter, once } from 'node:events';
import { lstat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Address, formatAddress } from '../zeo/connection/address.js';
import type { DescriptorReserve } from './descriptor-reserve.js';

/** After which an address is tried again that somebody else has taken meanwhile, or for which no descriptor was left. */
const retryMs = 1000;
/** After which an idle client is probed by the system, in milliseconds. */
const keepAliveInitialDelay = 60_000;

/** What a client is accepted by. */
type Accept = Parameters<typeof createServer>[1];

export interface ListeningEvents {
  /** Clients are accepted again. */
  opened: [];
  /** Clients should be accepted again, and the system does not allow it. It is tried again. */
  openFailed: [error: Error];
}

/** Accepts clients at an address; meanwhile it can be shut, so that clients are refused. */
export class ListeningAddress extends EventEmitter<ListeningEvents> {
  readonly #accept: Accept;
  readonly #descriptors: DescriptorReserve;
  readonly #closing = new AbortController();
  #server: Server | undefined;
  #address: Address;
  #isReopening = false;

  constructor(address: Address, descriptors: DescriptorReserve, accept: Accept) {
    super();
    this.#address = address;
    this.#descriptors = descriptors;
    this.#accept = accept;
  }

  /** Where it listens. */
  get address(): Address {
    return this.#address;
  }

  get isOpen(): boolean {
    return this.#server !== undefined;
  }

  /** @throws the system's error */
  async open(): Promise<void> {
    const server = await listenOn(this.#address, this.#accept);
    this.#address = boundAddress(server, this.#address);
    if (this.#closing.signal.aborted) server.close();
    else this.#server = server;
  }

  /** Refuses clients until {@link reopen}. */
  shut(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  /** Refuses clients for a second at least, until there are descriptors for them. */
  pause(): void {
    this.shut();
    void this.reopen(retryMs);
  }

  /** Accepts clients again, as soon as there are descriptors for them. @param delayMs not before that */
  async reopen(delayMs = 0): Promise<void> {
    const { signal } = this.#closing;
    if (this.isOpen || this.#isReopening) return;
    this.#isReopening = true;
    if (delayMs > 0) await sleep(delayMs, undefined, { signal }).catch(() => {});
    while (!this.isOpen && !signal.aborted) {
      try {
        if (this.#descriptors.shortage() === undefined) await this.open();
        if (this.isOpen) this.emit('opened');
      } catch (error) {
        this.emit('openFailed', error as Error);
      }
      if (!this.isOpen) await sleep(retryMs, undefined, { signal }).catch(() => {});
    }
    this.#isReopening = false;
  }

  /** Refuses clients for good. */
  close(): void {
    this.#closing.abort();
    this.shut();
  }
}

/**
 * Listens on an address.
 *
 * @throws the system's error: the address is in use, or not one of this machine
 */
async function listenOn(address: Address, accept: Accept): Promise<Server> {
  try {
    return await listen(address, accept);
  } catch (error) {
    const cause = error as NodeJS.ErrnoException;
    const isInUse = cause.code === 'EADDRINUSE';
    if (!isInUse || !('path' in address) || !(await isLeftOver(address.path)))
      throw cannotListen(address, cause);
    await unlink(address.path);
    return listen(address, accept);
  }
}

const foreign: ReadonlySet<unknown> = new Set(['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN']);

/** The system's error in the user's words, with the same code. */
function cannotListen(address: Address, cause: NodeJS.ErrnoException): Error {
  const { code, message } = cause;
  const hint = foreign.has(code) ? '; expected an address of this machine' : '';
  const why = code === 'EADDRINUSE' ? 'it is in use (EADDRINUSE)' : `${message}${hint}`;
  return Object.assign(new Error(`Cannot listen on ${formatAddress(address)}: ${why}`, { cause }), { code });
}

async function listen(address: Address, accept: Accept): Promise<Server> {
  // Or a client that has vanished while it was idle would keep its connections for good.
  const options = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay };
  const server = createServer(options, accept);
  server.listen('path' in address ? { path: address.path } : address);
  // Rejects with an error that comes first.
  await once(server, 'listening');
  // The system could not accept a client, as without a free file descriptor; the next one it may.
  server.on('error', () => {});
  return server;
}

/** The address that a server was given: with its port, where any was asked for. */
function boundAddress(server: Server, address: Address): Address {
  const bound = server.address();
  if ('path' in address || bound === null || typeof bound === 'string') return address;
  return { host: address.host, port: bound.port };
}

/** Whether it is a unix domain socket that a process has left, which had no time to remove it. */
async function isLeftOver(path: string): Promise<boolean> {
  // A connection to an ordinary file is refused as well.
  if (!(await lstat(path)).isSocket()) return false;
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'));
  });
}
