/*
 * One client's connection, relayed to a server and kept alive.
 *
 * Rules:
 * - A side is read only while the other one takes what it is sent.
 * - An end is passed on as an end, a reset as a reset. Neither side outlives the other for long.
 * - `closed` is emitted once, never by `drop` itself: whoever drops it is still to report why.
 */
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { ClientDisconnected, KeepAliveError } from '../model/errors.js';
import type { KeepAliveTarget, Outgoing } from '../model/target.js';
import type { SocketPorts } from '../tcp/diagnosis.js';
import { reset } from '../tcp/reset.js';
import { outgoingOf, portsOf } from '../tcp/socket-view.js';
import { formatAddress } from '../zeo/connection/address.js';
import { socketFailure } from '../zeo/connection/socket.js';
import type { Backend } from './backend.js';

/** How long a connection of which one side has ended its half may be without a byte. */
const lingerMs = 30_000;

export interface RelayOptions {
  /** Unique among those of the guard. */
  readonly name: string;
  /** Paused. */
  readonly client: Socket;
  readonly backend: Backend;
  /** Paused. */
  readonly server: Socket;
}

export interface RelayEvents {
  /** The client has said how it calls itself. */
  labelled: [label: string];
  /** It has ended; `error` is why, if it was not closed in good order, or client and server did not understand each other. */
  closed: [error: Error | undefined];
}

export abstract class Relay extends EventEmitter<RelayEvents> implements KeepAliveTarget {
  readonly name: string;
  readonly backend: Backend;
  /** Of the client: its address, and empty on a unix domain socket. */
  readonly clientAddress: string;
  /** There is one connection, and no other after it. */
  readonly generation = 1;
  readonly ignoresPingSignal = true;
  protected readonly client: Socket;
  protected readonly server: Socket;
  #error: Error | undefined;
  #isClosed = false;

  constructor({ name, client, backend, server }: RelayOptions) {
    super();
    this.name = name;
    const { remoteAddress: host, remotePort: port } = client;
    this.clientAddress = host === undefined || port === undefined ? '' : formatAddress({ host, port });
    this.client = client;
    this.backend = backend;
    this.server = server;
  }

  abstract get ready(): boolean;

  /** How the client calls itself, if that is known: printable, and not long. */
  abstract get label(): string | undefined;

  abstract get lastReceivedAt(): number;

  get address(): string {
    return this.backend.name;
  }

  /** How many bytes have come from either side, the answers to pings among them. They never decrease. */
  get receivedBytes(): { readonly fromClient: number; readonly fromServer: number } {
    return { fromClient: this.client.bytesRead, fromServer: this.server.bytesRead };
  }

  get socketPorts(): SocketPorts | undefined {
    return portsOf(this.server);
  }

  get outgoing(): Outgoing {
    return outgoingOf(this.server);
  }

  abstract ping(): Promise<void>;

  /** The server is dead: its side is destroyed, by which the client's is reset, so that its calls fail at once. */
  drop(error: Error): void {
    if (this.#isClosed) return;
    this.noteError(error);
    // Its verdict is still to be reported, and comes first.
    process.nextTick(() => this.backend.fail(error));
    this.server.destroy();
  }

  /** Ends it when the server has answered what the client has asked for so far. Resolves when it has ended. */
  abstract drain(): Promise<void>;

  /** Resets both sides. */
  reset(error: Error): void {
    this.noteError(error);
    reset(this.server);
    reset(this.client);
  }

  protected get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Why it ends, if there is no other reason. */
  protected get fault(): Error | undefined {
    return undefined;
  }

  /** Why it ends, unless that is known. */
  protected noteError(error: Error): void {
    this.#error ??= error;
  }

  /** From now on an end of one side is passed on to the other, and that it takes more again. */
  protected join(): void {
    this.#connect(this.client, this.server);
    this.#connect(this.server, this.client);
  }

  /** Ends both sides when they have taken what was sent to them. */
  protected endBoth(): void {
    this.client.destroySoon();
    this.server.destroySoon();
  }

  /** The server has sent all that it sends; before the client gets to know. */
  protected serverEnded(): void {}

  protected serverFailed(): void {}

  /** Before `closed` is emitted. */
  protected finished(): void {}

  #connect(side: Socket, other: Socket): void {
    side.on('drain', () => other.resume());
    side.on('end', () => {
      if (side === this.server) this.serverEnded();
      other.end();
      this.#finish();
      for (const socket of [side, other]) {
        socket.setTimeout(lingerMs, () =>
          this.reset(
            new ClientDisconnected(`Only ${this.#nameOf(side)} has ended its half of the connection`),
          ),
        );
      }
    });
    side.on('error', (error) => {
      const isKnown = error instanceof KeepAliveError;
      this.noteError(isKnown ? error : socketFailure(side, this.#nameOf(side), error, false));
      if (side === this.server) this.serverFailed();
    });
    side.on('close', () => {
      if (side.readableEnded && !side.errored) other.destroySoon();
      else reset(other);
      this.#finish();
    });
  }

  #nameOf(side: Socket): string {
    return side === this.server ? `the server ${this.address}` : 'the client';
  }

  #finish(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.finished();
    this.emit('closed', this.#error ?? this.fault);
  }
}
