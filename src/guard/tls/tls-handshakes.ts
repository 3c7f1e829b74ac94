import type { Socket } from 'node:net';
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls';
import { KeepAliveError, ProtocolError } from '../../model/errors.js';
import { reset } from '../../tcp/reset.js';
import { transportOf } from '../../tcp/socket-view.js';
import { checkAuthorities } from '../../zeo/connection/tls.js';

/** The guard's own certificate for its clients, and the authority that has to have signed theirs, if they need one. */
export type ListenerTls = Pick<SecureContextOptions, 'ca' | 'cert' | 'crl' | 'key'>;

export interface HandshakeOptions {
  /** How long a handshake may take. */
  readonly timeoutMs: number;
  readonly accepted: (socket: Socket) => void;
  readonly refused: (reason: Error) => void;
}

/** What accepted clients do before they can have a server. */
export interface Handshakes {
  /** How many are under way. */
  readonly count: number;
  start(transport: Socket): void;
  /** Ends those that are under way. */
  close(): void;
}

export interface TlsHandshakeOptions extends HandshakeOptions {
  readonly tls: ListenerTls;
}

/** The TLS handshakes of accepted clients. One that fails is closed with TLS's alert, by which the client learns why; one
 * that takes too long is reset. */
export class TlsHandshakes implements Handshakes {
  readonly #options: TlsHandshakeOptions;
  readonly #server: Server;
  /** The sockets below those that are under way. */
  readonly #pending = new Set<Socket>();
  #isClosed = false;

  /** @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT`, which never contains a certificate or key */
  constructor(options: TlsHandshakeOptions) {
    this.#options = options;
    const { tls, timeoutMs, accepted } = options;
    checkAuthorities(tls.ca, 'TLS for clients');
    const requestCert = tls.ca !== undefined;
    try {
      this.#server = createServer({ ...tls, requestCert, handshakeTimeout: timeoutMs });
    } catch (cause) {
      const message =
        'TLS for clients: expected a certificate and its key that node:tls accepts; received one that it rejects';
      throw new KeepAliveError('ERR_ZEO_INVALID_ARGUMENT', message, { cause });
    }
    this.#server
      .on('secureConnection', (socket) => {
        this.#pending.delete(transportOf(socket));
        socket.allowHalfOpen = true;
        accepted(socket);
      })
      .on('tlsClientError', (error, socket) => this.#refuse(error, socket));
  }

  get count(): number {
    return this.#pending.size;
  }

  start(transport: Socket): void {
    this.#pending.add(transport);
    // Or one whose client has ended it already would count as under way until the time for a handshake is over.
    transport.allowHalfOpen = false;
    transport.on('error', () => {}).once('close', () => this.#pending.delete(transport));
    this.#server.emit('connection', transport);
  }

  close(): void {
    this.#isClosed = true;
    for (const transport of this.#pending) transport.destroy();
  }

  #refuse(error: NodeJS.ErrnoException, socket: TLSSocket): void {
    this.#pending.delete(transportOf(socket));
    if (this.#isClosed) return;
    // Of a certificate that it does not accept, Node's error says only that the connection was closed.
    const { authorizationError } = socket;
    const isLate = error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT';
    // Node leaves such a client connected.
    if (isLate) reset(socket);
    const why = isLate
      ? `no handshake within ${this.#options.timeoutMs / 1000} s, as from a client without TLS`
      : (authorizationError ?? error.code ?? error.message);
    this.#options.refused(
      new ProtocolError(`Cannot speak TLS with the client: ${why}`, { code: 'ERR_ZEO_TLS', cause: error }),
    );
  }
}
