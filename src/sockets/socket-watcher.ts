/**
 * Watches the outgoing TCP connections of this thread: finds them, keeps their probes on, and holds those that are open in the
 * table for the worker.
 *
 * Rules:
 * - A new connection costs a push to an array. It gets a slot when it is still open at the next look, so that short ones, as of
 *   HTTP without keep-alive, never have one.
 * - Nothing is attached to a socket: no listener, no property. That it was closed is seen at a look, too, and until then it
 *   is referenced. Of the new ones not for as long: memory that outlives a collection costs more than to look now and then.
 * - Looks begin in a timer of this watcher, never in a call of the application: what they call must not run in the
 *   application's async context, nor keep it.
 * - To wake an idle process is most of what a look costs, so they are rare while nothing is new and few are open.
 */
import { AsyncResource } from 'node:async_hooks';
import { Socket } from 'node:net';
import { attempt } from '../model/target.js';
import { formatIpAddress } from '../tcp/ip-address.js';
import { type Handle, handleOf } from '../tcp/socket-view.js';
import { SocketTable } from '../threads/socket-table.js';
import { endpointsOf, requestedHost } from './connected-socket.js';
import { type ConnectingSockets, observeConnects } from './discovery.js';
import { hearsErrors } from './error-listeners.js';
import { ensureProbes } from './keep-alive-probes.js';
import type { SocketMatcher } from './matcher.js';
import type { Destination } from './pattern.js';

export interface SocketWatcherOptions {
  readonly matcher: Pick<SocketMatcher, 'matches'>;
  /** Where those that are watched are entered. Default: a new one. */
  readonly table?: SocketTable | undefined;
  /** How long a connection may be idle without a probe. */
  readonly periodMs: number;
  /** The time between two looks while a connection is new, or many are open; otherwise they are four times as rare. Default 250. */
  readonly lookMs?: number | undefined;
  /** A connection is watched from now on. Must not throw. */
  readonly onOpened?: ((slot: number) => void) | undefined;
}

interface Entry {
  readonly socket: Socket;
  readonly handle: Handle;
  readonly destination: Destination;
  /** Since when it is watched, in milliseconds of `Date.now()`. */
  readonly sinceMs: number;
}

/** A connection that is watched. */
export interface WatchedSocket extends Pick<Entry, 'destination' | 'sinceMs'> {
  readonly sequence: number;
}

/**
 * In one look, so that it does not hold the application up: an open connection costs a fraction of a microsecond, a new one a
 * few.
 */
const maximumOpen = 2500;
const maximumNew = 50;
/** How many times as long it is between two looks while nothing is new. */
const restFactor = 4;
/** With as many new ones, those that are closed again are let go without waiting for a look. */
const fewNewcomers = 32;

export class SocketWatcher implements Disposable {
  /** Those that are watched, for the worker. */
  readonly table: SocketTable;
  readonly #options: SocketWatcherOptions;
  /** By slot. */
  readonly #entries: (Entry | undefined)[] = [];
  /** Of the connections that are watched. */
  readonly #handles = new Set<Handle>();
  readonly #discovery: Disposable;
  readonly #lookMs: number;
  /** In which the timer is created, since what makes the next look come soon is a call of the application. */
  readonly #scope = new AsyncResource('SocketWatcher');
  #timer: NodeJS.Timeout | undefined;
  /** The next look comes after the shorter time. */
  #isSoon = false;
  /** Those that have begun to connect since the last look, or have not come to an end of it. */
  #newcomers: Socket[] = [];
  #pruneAt = fewNewcomers;
  /** The slot at which the next look goes on. */
  #next = 0;
  #isDisposed = false;

  constructor(options: SocketWatcherOptions) {
    this.#options = options;
    this.table = options.table ?? new SocketTable();
    this.#discovery = observeConnects(
      (socket) => this.#noteNew(socket),
      () => Socket,
    );
    this.#lookMs = options.lookMs ?? 250;
    this.#schedule(restFactor * this.#lookMs);
  }

  /** Sockets that began to connect before this watcher did. They have waited for it, so the first look comes at once. */
  noteEarlier(sockets: ConnectingSockets): void {
    if (sockets.length === 0) return;
    this.#newcomers = [...sockets, ...this.#newcomers];
    this.#isSoon = true;
    this.#schedule(0);
  }

  /** Every connection that is watched. */
  *watched(): Generator<WatchedSocket, void> {
    for (const [slot, entry] of this.#entries.entries()) {
      if (entry === undefined) continue;
      const { destination, sinceMs } = entry;
      yield { destination, sinceMs, sequence: this.table.reader.sequence(slot) };
    }
  }

  /** Where the connection in a slot leads; `undefined` for a free slot. */
  destination(slot: number): Destination | undefined {
    return this.#entries[slot]?.destination;
  }

  /**
   * Whether somebody listens for the errors of this connection, as far as can be seen from its socket. Where nobody does, the
   * loss of the connection ends the process.
   */
  hearsErrors(slot: number): boolean {
    const entry = this.#entries[slot];
    return entry !== undefined && attempt(() => hearsErrors(entry.socket)) === true;
  }

  /**
   * Destroys the connection that this slot had at this sequence number, unless it has been closed meanwhile. With the error if
   * somebody listens for it; without it, its owner just gets `close`, rather than an uncaught exception by our doing.
   *
   * @returns whether there was still something to destroy
   */
  drop(slot: number, sequence: number, error: Error): boolean {
    const entry = this.#entries[slot];
    if (entry === undefined || this.table.reader.sequence(slot) !== sequence) return false;
    const wasOpen = isOpen(entry);
    const isHeard = this.hearsErrors(slot);
    this.#release(slot);
    // A `destroy` of the application's own may throw.
    if (wasOpen) attempt(() => entry.socket.destroy(isHeard ? error : undefined));
    return wasOpen;
  }

  /** Leaves all connections as they are, and frees their slots. */
  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#discovery[Symbol.dispose]();
    clearTimeout(this.#timer);
    this.#newcomers = [];
    for (const slot of this.#entries.keys()) if (this.#entries[slot] !== undefined) this.table.remove(slot);
    this.#entries.length = 0;
    this.#handles.clear();
  }

  #noteNew(socket: Socket): void {
    if (this.#newcomers.length >= this.#pruneAt) {
      this.#newcomers = this.#newcomers.filter((newcomer) => stateOf(newcomer) !== 'closed');
      this.#pruneAt = Math.max(fewNewcomers, 2 * this.#newcomers.length);
    }
    // Only now: as long as it has not begun to connect again, it is closed from its earlier connection.
    this.#addNewcomer(socket);
  }

  #addNewcomer(socket: Socket): void {
    this.#newcomers.push(socket);
    this.#lookSoon();
  }

  #lookSoon(): void {
    if (this.#isSoon) return;
    this.#isSoon = true;
    this.#schedule(this.#lookMs);
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#isDisposed) return;
    this.#timer = this.#scope.runInAsyncScope(() => setTimeout(() => this.#look(), delayMs).unref());
  }

  #look(): void {
    const newcomers = this.#newcomers;
    // What is called below may connect.
    this.#newcomers = [];
    this.#pruneAt = fewNewcomers;
    this.#isSoon = false;
    this.#schedule(restFactor * this.#lookMs);
    this.#lookAtNew(newcomers);
    this.#lookAtOpen();
    if (this.table.reader.count > maximumOpen) this.#lookSoon();
  }

  #lookAtOpen(): void {
    const { size } = this.table.reader;
    // Slots that a burst has left vacant do not count: they take next to no time.
    for (let passed = 0, looked = 0; passed < size && looked < maximumOpen; passed++) {
      if (this.#next >= size) this.#next = 0;
      const slot = this.#next++;
      const entry = this.#entries[slot];
      if (entry === undefined) continue;
      looked += 1;
      if (hasHandle(entry)) ensureProbesOf(entry, this.#options.periodMs);
      else this.#release(slot);
    }
  }

  #lookAtNew(newcomers: readonly Socket[], from = 0): void {
    const end = Math.min(newcomers.length, from + maximumOpen);
    let next = from;
    // A listener for what is logged of one may dispose.
    for (let admitted = 0; next < end && admitted < maximumNew && !this.#isDisposed; next++) {
      const socket = newcomers[next] as Socket;
      const state = stateOf(socket);
      if (state === 'connecting') this.#addNewcomer(socket);
      if (state !== 'open') continue;
      this.#admit(socket);
      admitted += 1;
    }
    // The rest in the next turn of the loop, after what the application has to do.
    if (next < newcomers.length && !this.#isDisposed) setImmediate(() => this.#lookAtNew(newcomers, next));
  }

  #admit(socket: Socket): void {
    const handle = handleOf(socket);
    const endpoints = handle && attempt(() => endpointsOf(handle));
    if (handle === undefined || endpoints === undefined) return;
    // A socket that has connected twice since the last look is there twice.
    if (this.#handles.has(handle)) return;
    const destination: Destination = {
      host: requestedHost(socket),
      address: formatIpAddress(endpoints.remoteAddress),
      port: endpoints.remotePort,
    };
    if (!this.#options.matcher.matches(destination, endpoints.remoteAddress)) return;
    const slot = this.table.add(endpoints);
    if (slot === undefined) return;
    const entry: Entry = { socket, handle, destination, sinceMs: Date.now() };
    this.#entries[slot] = entry;
    this.#handles.add(handle);
    ensureProbesOf(entry, this.#options.periodMs);
    this.#options.onOpened?.(slot);
  }

  #release(slot: number): void {
    const entry = this.#entries[slot];
    if (entry === undefined) return;
    this.table.remove(slot);
    this.#entries[slot] = undefined;
    this.#handles.delete(entry.handle);
  }
}

/**
 * Whether this connection, and not a later one of the same object, is open. A socket may be of a class of the application: what
 * it throws counts as closed.
 */
function isOpen(entry: Entry): boolean {
  return hasHandle(entry) && attempt(() => entry.socket.destroyed) === false;
}

/** The same, by what costs a fraction: a socket that is destroyed gives its handle up. */
function hasHandle({ socket, handle }: Entry): boolean {
  try {
    return handleOf(socket) === handle;
  } catch {
    return false;
  }
}

function stateOf(socket: Socket): 'connecting' | 'open' | 'closed' {
  try {
    if (socket.destroyed) return 'closed';
    return socket.connecting ? 'connecting' : 'open';
  } catch {
    return 'closed';
  }
}

function ensureProbesOf({ socket }: Entry, periodMs: number): void {
  try {
    ensureProbes(socket, periodMs);
  } catch {
    // A `setKeepAlive` of the application's own; the connection is watched without it.
  }
}
