import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { startDeadline } from '../async/deadline.js';
import { ClientDisconnected } from '../model/errors.js';
import type { KeepAliveTarget, Outgoing } from '../model/target.js';
import type { SocketPorts } from '../tcp/diagnosis.js';
import { outgoingOf, portsOf } from '../tcp/socket-view.js';
import { type Backend, isOwnShortage } from './backend.js';
import { probeTls } from './tls/tls-hello.js';

export interface TlsSentryOptions {
  /** Unique among those of the guard. */
  readonly name: string;
  readonly backend: Backend;
  /** How long it may take to be connected. */
  readonly timeoutMs: number;
  /** The server accepts connections and does not answer. */
  readonly onDead: (error: Error) => void;
}

/**
 * Finds out whether a server answers to whose connections nothing can be added, as TLS is passed through: each ping is a
 * connection of the guard's own, on which it begins a TLS handshake. That the server's host acknowledges is not enough.
 *
 * Rules:
 * - The silence counts from when the handshake was begun. To connect has a deadline of its own: one packet that is lost
 *   then costs a second, and says nothing of the connections that there are.
 * - It ends when its server is down, before the agent has anything to report that the server's own line says.
 */
export class TlsSentry extends EventEmitter<{ closed: [] }> implements KeepAliveTarget {
  readonly name: string;
  readonly backend: Backend;
  readonly generation = 1;
  readonly #options: TlsSentryOptions;
  /** On which a handshake was begun. */
  #socket: Socket | undefined;
  #lastReceivedAt: number | undefined;

  constructor(options: TlsSentryOptions) {
    super();
    this.name = options.name;
    this.backend = options.backend;
    this.#options = options;
  }

  get ready(): boolean {
    return this.backend.isUp;
  }

  get address(): string {
    return this.backend.name;
  }

  get lastReceivedAt(): number | undefined {
    return this.#lastReceivedAt;
  }

  get socketPorts(): SocketPorts | undefined {
    return this.#socket && portsOf(this.#socket);
  }

  get outgoing(): Outgoing {
    if (this.#socket === undefined) return { writtenBytes: 0, heldBackBytes: 0, isPingQueued: true };
    return outgoingOf(this.#socket);
  }

  async ping(signal: AbortSignal): Promise<void> {
    const { backend } = this;
    const { timeoutMs } = this.#options;
    // Of a ping that this one takes the place of, and that has not ended yet.
    this.#socket = undefined;
    let ours: Socket | undefined;
    const late = new AbortController();
    const endDeadline = startDeadline(timeoutMs, () => {
      const seconds = timeoutMs / 1000;
      late.abort(new ClientDisconnected(`Cannot connect to ${backend.name} within ${seconds} s`));
    });
    try {
      await probeTls(backend.address, AbortSignal.any([signal, late.signal]), (socket) => {
        endDeadline();
        ours = socket;
        this.#socket = socket;
      });
      this.#lastReceivedAt = performance.now();
      backend.greeted();
    } catch (error) {
      if (!signal.aborted && !isOwnShortage(error)) {
        this.close();
        backend.fail(error as Error);
      }
      throw error;
    } finally {
      endDeadline();
      if (this.#socket === ours) this.#socket = undefined;
    }
  }

  drop(error: Error): void {
    this.#options.onDead(error);
  }

  /** From now on there are no pings. */
  close(): void {
    this.emit('closed');
  }
}
