import { setTimeout as sleep } from 'node:timers/promises';
import { ClientDisconnected } from '../../model/errors.js';
import { type Address, formatAddress } from '../connection/address.js';
import type { Access, ResolvedOptions } from '../connection/options.js';
import { type DialRequest, dial } from './dial.js';
import { type Established, type EstablishRequest, establish } from './establish.js';
import { ReconnectBackoff } from './reconnect-backoff.js';
import { reconnectPacer } from './reconnect-pacer.js';

/** How long a search pauses that a fault of this process has ended. Doubles with each, so many times. */
const faultPauseMs = 100;
const maxFaultDoublings = 8;

/** What is sought. */
export interface Goal {
  readonly addresses: readonly Address[];
  readonly access: Access;
  /** Whether a connection is in service meanwhile, and this one is to be better. */
  readonly beside: boolean;
}

export interface SearchObserver {
  /** The search has ended with a connection. */
  found(established: Established, goal: Goal): void;
  retrying(retry: Parameters<DialRequest['onRetry']>[0], goal: Goal): void;
  /** No address works, in ways that will repeat. The search goes on. */
  hopeless(error: Error): void;
}

/**
 * Looks for a server until there is one, again and again, whatever goes wrong on the way. One search at a time: the
 * next one ends the one before.
 */
export class Search {
  readonly #options: ResolvedOptions;
  readonly #lastTid: () => Uint8Array | undefined;
  readonly #observer: SearchObserver;
  /** Those of the search beside a connection in service are their own. */
  #backoffs = new Map<string, ReconnectBackoff>();
  #besideBackoffs = new Map<string, ReconnectBackoff>();
  /** Since something was found. */
  #faults = 0;
  #controller: AbortController | undefined;
  #ended: Promise<void> = Promise.resolve();

  /** @param lastTid the last transaction that the client knows of, whenever an attempt starts */
  constructor(options: ResolvedOptions, lastTid: () => Uint8Array | undefined, observer: SearchObserver) {
    this.#options = options;
    this.#lastTid = lastTid;
    this.#observer = observer;
  }

  /** Whether a search is under way. */
  get isActive(): boolean {
    return this.#controller !== undefined;
  }

  /** Resolves when all searches have ended, and nothing of them is left. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** @param lastError why, unless it is the first search */
  start(goal: Goal, lastError?: Error): void {
    this.#controller?.abort(lastError);
    const controller = new AbortController();
    this.#controller = controller;
    const search = dial(this.#request(goal, lastError), controller).then(
      (established) => {
        if (this.#controller === controller) return this.#found(established, goal);
        // Between its success and now the search has become another one, or was stopped.
        const { connection } = established;
        connection.destroy(new ClientDisconnected('Another attempt took its place'));
        return connection.released;
      },
      (cause) => this.#startAgain(cause, controller.signal, goal),
    );
    // Who was told of the first attempt may have started the next search already.
    this.#ended = Promise.all([this.#ended, search]).then(() => {});
  }

  stop(reason?: Error): void {
    this.#controller?.abort(reason);
    this.#controller = undefined;
  }

  /** The next search, or the next one beside a connection, begins at once. */
  forgetFailures(beside: boolean): void {
    if (beside) this.#besideBackoffs = new Map();
    else this.#backoffs = new Map();
  }

  #found(established: Established, goal: Goal): void {
    this.#controller = undefined;
    this.#faults = 0;
    this.#observer.found(established, goal);
  }

  #request(goal: Goal, lastError: Error | undefined): DialRequest {
    const backoffs = goal.beside ? this.#besideBackoffs : this.#backoffs;
    return {
      addresses: goal.addresses,
      lastError,
      attempt: (address, signal) => establish(address, this.#attempt(goal.access), signal),
      backoffOf: (address) => this.#backoff(backoffs, formatAddress(address)),
      paceMs: (address) => reconnectPacer.delayMs(formatAddress(address)),
      onRetry: (retry) => this.#observer.retrying(retry, goal),
      onHopeless: (error) => this.#observer.hopeless(error),
    };
  }

  #attempt(access: Access): EstablishRequest {
    const { storage, clientLabel, maxFrameBytes, tls, connectTimeoutMs } = this.#options;
    return { storage, access, clientLabel, maxFrameBytes, tls, connectTimeoutMs, lastTid: this.#lastTid() };
  }

  #backoff(backoffs: Map<string, ReconnectBackoff>, address: string): ReconnectBackoff {
    let backoff = backoffs.get(address);
    if (backoff === undefined) {
      const { reconnectMinDelayMs: minDelayMs, reconnectMaxDelayMs: maxDelayMs } = this.#options;
      backoff = new ReconnectBackoff({ minDelayMs, maxDelayMs });
      backoffs.set(address, backoff);
    }
    return backoff;
  }

  /** A search goes on until it is called off. One that ended by itself has met a fault of this process: once more. */
  async #startAgain(cause: unknown, signal: AbortSignal, goal: Goal): Promise<void> {
    const pauseMs = faultPauseMs * 2 ** Math.min(this.#faults, maxFaultDoublings);
    this.#faults += 1;
    // Aborted, now or meanwhile: by `stop`, or because another search took its place.
    await sleep(pauseMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    this.start(goal, new ClientDisconnected('The search for a server failed', { cause }));
  }
}
