import { setTimeout as sleep } from 'node:timers/promises';
import { ClientDisconnected, KeepAliveError } from '../../model/errors.js';
import { type Address, formatAddress } from '../connection/address.js';
import type { Access, ResolvedOptions } from '../connection/options.js';
import { type DialRequest, dial } from './dial.js';
import { type Established, establish } from './establish.js';
import { ReconnectBackoff } from './reconnect-backoff.js';
import { reconnectPacer } from './reconnect-pacer.js';

/** How long to pause after a fault of this process has ended a search. Doubles with each fault, up to a maximum. */
const faultPauseMs = 100;
const maxFaultDoublings = 8;

/** What a search looks for. */
export interface Goal {
  readonly addresses: readonly Address[];
  readonly access: Access;
  /** Whether a read-only fallback is serving, and this search is for a writable server. */
  readonly isUpgrade: boolean;
}

export interface SearchObserver {
  /** The search has ended with a connection. */
  found(established: Established, goal: Goal): void;
  retrying(retry: Parameters<DialRequest['onRetry']>[0], goal: Goal): void;
  /** Every address fails in a way that will most likely repeat. The search goes on. */
  hopeless(error: Error): void;
}

/**
 * Looks for a server until one is found.
 *
 * Rules:
 * - One search at a time: starting another ends the previous one.
 * - A search ends only by success, `stop` or another `start`; a fault of this process restarts it after a pause.
 * - Backoffs outlive a search, until `forgetFailures`; upgrades have backoffs of their own.
 * - A connection that is established after its search has ended is destroyed, never reported.
 */
export class Search {
  readonly #options: ResolvedOptions;
  readonly #knowledge: { readonly lastTid: Uint8Array | undefined };
  readonly #observer: SearchObserver;
  #backoffs = new Map<string, ReconnectBackoff>();
  /** Created with the first upgrade. */
  #upgradeBackoffs: Map<string, ReconnectBackoff> | undefined;
  /** Addresses whose server was behind this client, and has not been in service since. Created with the first. */
  #behind: Set<string> | undefined;
  /** Faults of this process since the last success. */
  #faults = 0;
  #controller: AbortController | undefined;
  #ended: Promise<void> = Promise.resolve();

  /** @param knowledge has the last transaction that the client knows of; read at the start of each attempt */
  constructor(
    options: ResolvedOptions,
    knowledge: { readonly lastTid: Uint8Array | undefined },
    observer: SearchObserver,
  ) {
    this.#options = options;
    this.#knowledge = knowledge;
    this.#observer = observer;
  }

  /** Whether a search is under way. */
  get isActive(): boolean {
    return this.#controller !== undefined;
  }

  /** Resolves when all searches so far have ended and released their sockets and timers. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** @param lastError why a connection is needed; `undefined` for the first search */
  start(goal: Goal, lastError?: Error): void {
    this.#controller?.abort(lastError);
    const controller = new AbortController();
    this.#controller = controller;
    const search = dial(this.#request(goal, lastError), controller).then(
      (established) => {
        if (this.#controller === controller) return this.#found(established, goal);
        // Between its success and now the search was replaced or stopped.
        const { connection } = established;
        connection.destroy(new ClientDisconnected('The search for a server has ended'));
        return connection.released;
      },
      (cause) => this.#startAgain(cause, controller.signal, goal),
    );
    // A listener of the first attempt may already have started the next search.
    this.#ended = this.#ended.then(() => search);
  }

  stop(reason?: Error): void {
    this.#controller?.abort(reason);
    this.#controller = undefined;
  }

  /** Resets the backoffs, so that the next search, or upgrade, starts at once. */
  forgetFailures(isUpgrade: boolean): void {
    if (isUpgrade) this.#upgradeBackoffs = undefined;
    else this.#backoffs = new Map();
  }

  /** The server at this address is in service: what the client has cached agrees with it. */
  trust(address: string): void {
    this.#behind?.delete(address);
  }

  #found(established: Established, goal: Goal): void {
    this.#controller = undefined;
    this.#faults = 0;
    this.#observer.found(established, goal);
  }

  #request(goal: Goal, lastError: Error | undefined): DialRequest {
    if (goal.isUpgrade) this.#upgradeBackoffs ??= new Map();
    const backoffs = (goal.isUpgrade && this.#upgradeBackoffs) || this.#backoffs;
    return {
      addresses: goal.addresses,
      lastError,
      attempt: (address, signal) => this.#attempt(address, goal.access, signal),
      backoffOf: (address) => this.#backoff(backoffs, formatAddress(address)),
      paceMs: (address) => reconnectPacer.delayMs(formatAddress(address)),
      onRetry: (retry) => this.#observer.retrying(retry, goal),
      onHopeless: (error) => this.#observer.hopeless(error),
    };
  }

  async #attempt(address: Address, access: Access, signal: AbortSignal): Promise<Established> {
    const { storage, clientLabel, maxFrameBytes, tls, connectTimeoutMs } = this.#options;
    const known = {
      lastTid: this.#knowledge.lastTid,
      wasBehind: this.#behind?.has(formatAddress(address)) ?? false,
    };
    const request = { storage, access, clientLabel, maxFrameBytes, tls, connectTimeoutMs, ...known };
    try {
      return await establish(address, request, signal);
    } catch (error) {
      const isBehind = error instanceof KeepAliveError && error.code === 'ERR_ZEO_SERVER_BEHIND';
      if (isBehind) {
        this.#behind ??= new Set();
        this.#behind.add(formatAddress(address));
      }
      throw error;
    }
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

  /** Only a fault of this process rejects a search that was not aborted: it is started again after a pause. */
  async #startAgain(cause: unknown, signal: AbortSignal, goal: Goal): Promise<void> {
    const pauseMs = faultPauseMs * 2 ** Math.min(this.#faults, maxFaultDoublings);
    this.#faults += 1;
    // Aborted before or during the pause: by `stop`, or by another search.
    await sleep(pauseMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    this.start(goal, new ClientDisconnected('The search for a server failed', { cause }));
  }
}
