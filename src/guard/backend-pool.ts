import { EventEmitter } from 'node:events';
import { ClientDisconnected } from '../model/errors.js';
import { type Address, formatAddress } from '../zeo/connection/address.js';
import type { TlsOptions } from '../zeo/connection/tls.js';
import { Backend, suspicion } from './backend.js';
import { type NamedTarget, TlsSentries } from './tls-sentries.js';

/** What happens to the servers, in order. */
export interface BackendPoolEvents {
  down: [backend: Backend, error: Error];
  up: [backend: Backend];
  /** Clients that wait can have one of them. */
  available: [];
  /** It accepts connections and does not answer; not down yet, so that connections to it can be ended first. */
  dead: [backend: Backend, error: Error];
}

export interface BackendPoolOptions {
  readonly timeoutMs: number;
  readonly tls: TlsOptions | undefined;
  /** Clients and servers speak TLS with each other: a sentry finds out whether a server answers. */
  readonly passesTls: boolean;
  readonly keepAlive: (sentry: NamedTarget) => void;
}

/** For each of the servers why it does not serve a client: its error, which may be about one of its connections. */
export function whyNoneServes(backends: readonly Backend[]): string {
  const reasons = backends.map(({ name, error }) => {
    if (error === undefined) return `${name} has not greeted yet`;
    return error.message.includes(name) ? error.message : `${name}: ${error.message}`;
  });
  return reasons.join('; ');
}

/** The servers behind one address, the preferred first. */
export class BackendPool extends EventEmitter<BackendPoolEvents> {
  readonly #options: BackendPoolOptions;
  readonly #sentries: TlsSentries | undefined;
  #backends: readonly Backend[] = [];
  /** The address, once there are clients. */
  #listener: string | undefined;

  constructor(options: BackendPoolOptions) {
    super();
    this.#options = options;
    const { timeoutMs, passesTls, keepAlive } = options;
    if (passesTls) {
      const onDead = (backend: Backend, error: Error) => {
        const reason = backend.isCrowded
          ? new ClientDisconnected(`${backend.name} did not answer${suspicion}`, { cause: error })
          : error;
        this.emit('dead', backend, reason);
        // The sentry's verdict is still to be reported, and comes first.
        process.nextTick(() => backend.fail(reason));
      };
      this.#sentries = new TlsSentries({ timeoutMs, keepAlive, onDead });
    }
    // Each client that waits for a server listens for it.
    this.setMaxListeners(0);
  }

  get backends(): readonly Backend[] {
    return this.#backends;
  }

  /** The one for the next client. */
  get preferred(): Backend | undefined {
    const up = this.#backends.filter(({ isUp }) => isUp);
    return up.find(({ isPassedOver }) => !isPassedOver) ?? up[0];
  }

  /** Takes over which servers there are; those that were there before stay. Returns whether anything changes. */
  replace(addresses: readonly Address[]): boolean {
    const before = this.#backends;
    this.#backends = addresses.map((address) => {
      const known = before.find(({ name }) => name === formatAddress(address));
      return known ?? this.#newBackend(address);
    });
    const isSame =
      before.length === addresses.length &&
      before.every((backend, index) => this.#backends[index] === backend);
    if (isSame) return false;
    for (const backend of before) {
      if (this.#backends.includes(backend)) continue;
      backend.close();
      this.#sentries?.relieve(backend);
    }
    this.#postSentries();
    // A new one counts as up until it fails.
    if (before.length > 0 && this.preferred !== undefined) this.emit('available');
    return true;
  }

  /** From now on a sentry watches each server that is up, if TLS is passed through. @param listener where clients connect */
  watch(listener: string): void {
    this.#listener = listener;
    this.#postSentries();
  }

  /** Finds out whether each server still greets that is not pinged, by a connection or a sentry. */
  probe(pinged: ReadonlySet<Backend>): void {
    const isWatched = (backend: Backend) =>
      this.#sentries === undefined ? pinged.has(backend) : backend.hasGreeted;
    for (const backend of this.#backends) if (!isWatched(backend)) void backend.probe();
  }

  close(): void {
    for (const backend of this.#backends) backend.close();
    this.#sentries?.relieveAll();
  }

  #newBackend(address: Address): Backend {
    const { tls, passesTls, timeoutMs } = this.#options;
    const observer = {
      serverDown: (backend: Backend, error: Error) => {
        this.#sentries?.relieve(backend);
        this.emit('down', backend, error);
      },
      serverUp: (backend: Backend) => {
        this.#postSentries();
        this.emit('up', backend);
        this.emit('available');
      },
    };
    return new Backend({ address, tls, passesTls, timeoutMs, observer });
  }

  #postSentries(): void {
    if (this.#listener === undefined) return;
    for (const backend of this.#backends) if (backend.isUp) this.#sentries?.post(this.#listener, backend);
  }
}
