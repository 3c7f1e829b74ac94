import { setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDeadline, withDeadline } from '../async/deadline.js';
import { TurnQueue } from '../async/turn-queue.js';
import { ClientDisconnected } from '../model/errors.js';
import { type Address, formatAddress } from '../zeo/connection/address.js';
import { openSocket } from '../zeo/connection/socket.js';
import type { TlsOptions } from '../zeo/connection/tls.js';
import { ReconnectBackoff } from '../zeo/reconnect/reconnect-backoff.js';
import { type Greeting, greetingOf } from './server-greeting.js';
import { probeTls } from './tls/tls-hello.js';

/**
 * At most this many connections for clients wait for a greeting at once, or for any answer where TLS is passed through; the
 * other clients wait for what becomes of these. So a server that leads back here by a detour, such as another guard, gets no
 * more of them, although each makes another one.
 */
export const mostUngreeted = 32;

/** Why a server may be silent on all of them. */
export const suspicion = ` on any of ${mostUngreeted} connections: it hangs, or leads back to this guard`;

/** A server that ends a connection by itself does it within this time after the greeting. */
const steadyMs = 500;

/** How long a server is left alone that greets and ends, or is passed over. It would greet again at once. */
const restMs = 1000;

/** A connection for a client. Paused: nothing is lost until somebody listens. */
export interface Dialed {
  readonly socket: Socket;
  /** `undefined` where TLS is passed through: a server says nothing before the client has begun its handshake. */
  readonly greeting: Greeting | undefined;
}

export interface BackendObserver {
  /** It did not greet, or a connection to it was dead. It is tried again and again. */
  serverDown(backend: Backend, error: Error): void;
  /** It has greeted again. */
  serverUp(backend: Backend): void;
}

export interface BackendOptions {
  readonly address: Address;
  readonly tls: TlsOptions | undefined;
  /** Whether its clients speak TLS with it that is passed through. What it then greets with is an answer to a TLS handshake. */
  readonly passesTls: boolean;
  /** How long it may take from the beginning of a connection to its greeting. */
  readonly timeoutMs: number;
  readonly observer: BackendObserver;
}

/**
 * One server that clients are relayed to.
 *
 * It is up until it fails. While it is down it is connected to again and again, until it greets: a stopped server accepts
 * connections, and says nothing.
 */
export class Backend {
  readonly name: string;
  readonly address: Address;
  readonly #options: BackendOptions;
  #error: Error | undefined;
  #hasGreeted = false;
  #isProbed = false;
  #passedOverUntilMs = 0;
  readonly #closing = new AbortController();
  /** Clients that a connection is not begun for yet. */
  readonly #queue = new TurnQueue();
  /** How many connections for clients wait for a greeting, or for an answer. */
  #ungreeted = 0;

  constructor(options: BackendOptions) {
    this.address = options.address;
    this.name = formatAddress(options.address);
    this.#options = options;
    // Each dial listens to it.
    setMaxListeners(0, this.#closing.signal);
  }

  get isUp(): boolean {
    return this.#error === undefined;
  }

  /** Why it is down. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** Whether it has ever greeted: until it is connected to it is not known to be down. */
  get hasGreeted(): boolean {
    return this.#hasGreeted;
  }

  /** Whether clients are to get another server, although it is not known to be down. */
  get isPassedOver(): boolean {
    return performance.now() < this.#passedOverUntilMs;
  }

  /** For a second clients get another server, if one is up. */
  passOver(): void {
    this.#passedOverUntilMs = performance.now() + restMs;
  }

  /** Whether as many connections as there may be wait for it to greet, or to answer. */
  get isCrowded(): boolean {
    return this.#ungreeted >= mostUngreeted;
  }

  /** Finds out whether it still greets, if it is up. */
  async probe(): Promise<void> {
    if (!this.isUp || this.#isProbed) return;
    this.#isProbed = true;
    try {
      await this.#attempt(this.#closing.signal, (signal) => this.#greet(signal));
    } catch {
      // It is down now, or nothing is tried any more.
    } finally {
      this.#isProbed = false;
    }
  }

  /**
   * A client's connection to it has ended, or was not answered, as if it had failed, which may be because of that client. It is
   * down only if one of the guard's own fails or ends, too.
   */
  async suspect(error: Error): Promise<void> {
    if (!this.isUp || this.#isProbed) return;
    this.#isProbed = true;
    try {
      const { socket } = await this.dial(this.#closing.signal);
      if (await endsWithin(steadyMs, socket)) this.fail(error, restMs);
      socket.destroy();
    } catch {
      // It is down now, or nothing is tried any more.
    } finally {
      this.#isProbed = false;
    }
  }

  /**
   * Makes a connection for a client.
   *
   * @throws what keeps it from greeting, which counts as its failure; `signal.reason`, and that it is closed, which do not
   */
  dial(signal: AbortSignal): Promise<Dialed> {
    const onDialed = this.#options.passesTls ? ({ socket }: Dialed) => this.#awaitAnswer(socket) : undefined;
    return this.#attempt(signal, (signal) => this.#dial(signal), onDialed);
  }

  /** It has shown that it is there. */
  greeted(): void {
    this.#hasGreeted = true;
  }

  /** @param onDone takes over what was made, until it is {@link #settled} */
  async #attempt<T>(
    signal: AbortSignal,
    operation: (signal: AbortSignal) => Promise<T>,
    onDone: (made: T) => void = () => this.#settled(),
  ): Promise<T> {
    if (this.#ungreeted < mostUngreeted) this.#ungreeted += 1;
    else await this.#queue.wait(signal);
    try {
      const made = await this.#inTime(signal, operation);
      onDone(made);
      return made;
    } catch (error) {
      if (!signal.aborted && !isOwnShortage(error)) this.fail(error as Error);
      this.#settled();
      throw error;
    }
  }

  /** The next connection begins in place of one that has been greeted, or has failed. */
  #settled(): void {
    if (this.#queue.size > 0) this.#queue.admitNext();
    else this.#ungreeted -= 1;
  }

  /**
   * A server says nothing before it has a client's handshake, so the first byte counts as its greeting. Whether it is down by a
   * silence finds a sentry out; but when as many connections wait as there may be, they make room for others.
   */
  #awaitAnswer(socket: Socket): void {
    const startWaiting = () =>
      startDeadline(this.#options.timeoutMs, () => {
        if (this.isCrowded) socket.destroy(this.#silence());
        else endDeadline = startWaiting();
      });
    const settle = () => {
      socket.off('data', settle).off('close', settle);
      endDeadline();
      this.#settled();
    };
    let endDeadline = startWaiting();
    // It is paused until somebody takes it over.
    socket.on('data', settle).on('close', settle);
  }

  /** It is down from now on, until it greets again. It is not asked to before `delayMs`. */
  fail(error: Error, delayMs = 0): void {
    if (this.#error !== undefined || this.#closing.signal.aborted) return;
    this.#error = error;
    this.#queue.rejectAll(error);
    this.#options.observer.serverDown(this, error);
    void this.#redial(delayMs);
  }

  /** Nothing is tried any more, also for clients. */
  close(): void {
    const reason = new ClientDisconnected(`${this.name} is no longer a server of this address`);
    this.#closing.abort(reason);
    this.#queue.rejectAll(reason);
  }

  async #redial(firstDelayMs: number): Promise<void> {
    const { signal } = this.#closing;
    const { timeoutMs, observer } = this.#options;
    // So that it is found back within the timeout.
    const backoff = new ReconnectBackoff({
      minDelayMs: Math.min(timeoutMs, 250),
      maxDelayMs: Math.min(timeoutMs, 2000),
    });
    let delayMs = firstDelayMs;
    while (!signal.aborted) {
      try {
        await sleep(delayMs + backoff.nextDelayMs(), undefined, { signal });
        delayMs = 0;
        await this.#inTime(signal, (signal) => this.#greet(signal));
        this.#error = undefined;
        observer.serverUp(this);
        return;
      } catch (error) {
        this.#error = error as Error;
      }
    }
  }

  async #dial(signal: AbortSignal): Promise<Dialed> {
    const { address, tls, passesTls } = this.#options;
    const socket = await openSocket(address, { tls, allowHalfOpen: true }, signal);
    if (passesTls) {
      // Until somebody takes it over it may fail unseen.
      return { socket: socket.pause().on('error', () => {}), greeting: undefined };
    }
    const greeting = await greetingOf(socket, this.name, signal);
    this.greeted();
    return { socket, greeting };
  }

  /** Has it greet on a connection of no client. */
  async #greet(signal: AbortSignal): Promise<void> {
    if (this.#options.passesTls) {
      await probeTls(this.address, signal);
      this.greeted();
      return;
    }
    const { socket } = await this.#dial(signal);
    socket.destroy();
  }

  #inTime<T>(signal: AbortSignal, operation: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { timeoutMs } = this.#options;
    return withDeadline(timeoutMs, () => this.#silence(), [signal, this.#closing.signal], operation);
  }

  #silence(): Error {
    const { passesTls, timeoutMs } = this.#options;
    const what = passesTls ? 'did not answer' : 'did not greet';
    return new ClientDisconnected(
      `${this.name} ${what} within ${timeoutMs / 1000} s${this.isCrowded ? suspicion : ''}`,
    );
  }
}

const shortages: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);

/** Whether a connection was not made because this process, or its machine, has run out of something. */
export function isOwnShortage(error: unknown): boolean {
  const cause = (error as Error | undefined)?.cause;
  return cause instanceof Error && shortages.has((cause as NodeJS.ErrnoException).code);
}

function endsWithin(timeoutMs: number, socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    socket
      .setTimeout(timeoutMs, () => resolve(false))
      .once('end', () => resolve(true))
      .once('close', () => resolve(true))
      .resume();
  });
}
