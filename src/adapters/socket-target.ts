import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { callListeners } from '../async/contain.js';
import type { KeepAliveError } from '../model/errors.js';
import { hangTimeoutType } from '../model/hang-timeout.js';
import { checkOptions, invalidOption } from '../model/option-check.js';
import type { KeepAliveTarget, Outgoing } from '../model/target.js';
import { ensureProbes } from '../sockets/keep-alive-probes.js';
import type { SocketPorts } from '../tcp/diagnosis.js';
import { outgoingOf, portsOf, transportOf } from '../tcp/socket-view.js';

/** Options of every adapter. */
export interface AdapterOptions {
  /**
   * Seconds that the server may stay silent after a ping that its host has acknowledged: it hangs, or is busy with what others
   * have asked of it. At least the timeout. Default: `ZEO_KEEPALIVE_HANG_TIMEOUT`, or the longer of 30 and five timeouts.
   * The adapters of Redis also end a connection whose server accepts it and then sends no byte for this long (30, if not given), or
   * a quarter longer.
   */
  readonly hangTimeout?: number | undefined;
}

/** What only one kind of client has. */
export interface Driver {
  /**
   * Whether the application uses the connection, so that a ping might not be answered at once.
   *
   * @param isPinging whether a ping is out: then, whether something behind it keeps it from being answered
   */
  isBusy(isPinging: boolean): boolean;
  /** Sends a ping, and calls `settled` when the client has an answer or an error. */
  ping(settled: () => void): void;
  /** Fails the calls that the client would keep for its next connection. */
  failPending?(error: Error): void;
  /** Whatever emits `error` when the connection is destroyed with one. */
  readonly emitters: readonly EventEmitter[];
}

/**
 * A connection of somebody else's client, by its socket.
 *
 * Rules:
 * - Only an answer of the server ends a ping, be it an error. A time limit of the client's own is not one: the ping stays out
 *   until the next byte comes.
 * - The server answers in order, so there is one ping at most, which a second caller joins.
 */
export class SocketTarget extends EventEmitter<{ connected: []; closed: [] }> implements KeepAliveTarget {
  readonly answersInOrder = true;
  readonly ignoresPingSignal = true;
  readonly hangTimeout: number | 'long';
  generation = 0;
  lostAt: number | undefined;
  readonly #driver: Driver;
  #socket: Socket | undefined;
  #ping: Promise<void> | undefined;
  #bytesRead = 0;
  #receivedAt: number | undefined;

  constructor(driver: Driver, { hangTimeout }: AdapterOptions) {
    super();
    this.hangTimeout = hangTimeout ?? 'long';
    this.#driver = driver;
  }

  /** The client is connected by this socket. */
  attach(socket: Socket): void {
    this.#socket = socket;
    this.#ping = undefined;
    this.#bytesRead = socket.bytesRead;
    this.#receivedAt = performance.now();
    this.generation += 1;
    this.lostAt = undefined;
    socket.once('close', () => {
      if (this.#socket === socket) this.lostAt = performance.now();
    });
    this.#tell('connected');
  }

  /** The client will not connect again. Not `close`, which the registry would call: the client goes on without the agent, too. */
  end(): void {
    this.#socket = undefined;
    this.#tell('closed');
  }

  get ready(): boolean {
    return this.#socket?.destroyed === false;
  }

  get busy(): boolean {
    return this.#isPaused || this.#driver.isBusy(this.#ping !== undefined);
  }

  /** Whether the application does not read, and so not the answer. A client that reads by `readable` never flows. */
  get #isPaused(): boolean {
    const socket = this.#socket;
    return socket?.readableFlowing === false && socket.listenerCount('readable') === 0;
  }

  /** Polled: a listener would cost something for each chunk. */
  get lastReceivedAt(): number | undefined {
    const { bytesRead = this.#bytesRead } = this.#socket ?? {};
    if (bytesRead !== this.#bytesRead) {
      this.#bytesRead = bytesRead;
      // Before whatever is sent after this look, also in the whole milliseconds of the board.
      this.#receivedAt = performance.now() - 1;
    }
    return this.#receivedAt;
  }

  get socketPorts(): SocketPorts | undefined {
    return this.#socket && portsOf(this.#socket);
  }

  get outgoing(): Outgoing | undefined {
    return this.#socket && outgoingOf(this.#socket);
  }

  get address(): string | undefined {
    const { remoteAddress, remotePort } = this.#socket ?? {};
    if (remoteAddress === undefined) return undefined;
    return remoteAddress.includes(':')
      ? `[${remoteAddress}]:${remotePort}`
      : `${remoteAddress}:${remotePort}`;
  }

  ensureProbes(periodMs: number): void {
    if (this.#socket !== undefined) ensureProbes(transportOf(this.#socket), periodMs);
  }

  ping(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) return Promise.reject(new Error('Not connected'));
    if (this.#ping !== undefined) return this.#ping;
    const { bytesRead } = socket;
    let isSent = true;
    const ping = new Promise<void>((resolve, reject) => {
      const lost = () => reject(new Error('The connection was lost'));
      const answered = () => {
        socket.off('close', lost);
        if (this.#ping === ping) this.#ping = undefined;
        // Looked at now, so that an idle connection is known to be silent since its last answer, not since the next ping.
        void this.lastReceivedAt;
        resolve();
      };
      socket.once('close', lost);
      try {
        this.#driver.ping(() => {
          if (socket.bytesRead > bytesRead) answered();
          else if (socket.destroyed) lost();
          else socket.once('data', answered);
        });
      } catch (error) {
        isSent = false;
        socket.off('close', lost);
        reject(error);
      }
    });
    if (isSent) this.#ping = ping;
    return ping;
  }

  /** Called by the client, which no listener of ours may disturb. */
  #tell(event: 'connected' | 'closed'): void {
    callListeners(this, event, []);
  }

  /** Fails every pending call with the error. */
  drop(error: Error, generation: number): void {
    const socket = this.#socket;
    if (socket === undefined || generation !== this.generation) return;
    // After its close, nothing would take the listeners away again.
    if (this.lostAt === undefined) ignoreErrors(this.#driver.emitters, socket);
    try {
      this.#driver.failPending?.(error);
    } finally {
      // Also if a callback of the application throws.
      socket.destroy(error);
    }
  }
}

/**
 * To be called before a socket is destroyed with an error: where nobody listens for errors, that would end the process, by our
 * doing. They are ignored until the socket has closed.
 */
export function ignoreErrors(emitters: readonly EventEmitter[], socket: Socket): void {
  const ignore = () => {};
  for (const emitter of emitters) emitter.on('error', ignore);
  socket.once('close', () =>
    setImmediate(() => {
      for (const emitter of emitters) emitter.off('error', ignore);
    }),
  );
}

/** Clients that have an adapter. */
const adapted = new WeakSet<object>();

/**
 * Notes that a client has an adapter.
 *
 * @throws KeepAliveError `ERR_KEEPALIVE_INVALID_ARGUMENT` if it has another one, as it would be pinged twice; or for an option
 */
export function adaptOnce(argument: string, client: object, options: AdapterOptions): void {
  checkOptions('ERR_KEEPALIVE_INVALID_ARGUMENT', options, { hangTimeout: hangTimeoutType });
  if (adapted.has(client)) throw refusal(argument, 'one that has no adapter yet', client);
  adapted.add(client);
}

export function refusal(argument: string, expected: string, client: unknown): KeepAliveError {
  return invalidOption('ERR_KEEPALIVE_INVALID_ARGUMENT', `Argument ${argument}`, expected, client);
}

/** Whether an object has these methods. */
export function hasMethods(value: unknown, ...names: readonly string[]): value is object {
  if (typeof value !== 'object' || value === null) return false;
  return names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');
}
