import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';

/** Receives the events of a listener. */
export interface ListenerObserver {
  /** A client connected; with TLS, after its handshake. */
  accepted(socket: Socket): void;
  /** A TLS handshake failed, e.g. for lack of a certificate. */
  refused(error: Error): void;
  /** The system could not accept a client, e.g. because no file descriptor is left; the server goes on. */
  failed(error: Error): void;
}

/** The listening socket of a server, with or without TLS. */
export class Listener {
  readonly server: Server;
  /** The sockets under TLS connections, including those still in their handshake. */
  readonly #sockets = new Set<Socket>();

  /** @param tls Node's options; as with ZEO's server, clients need a certificate unless these say otherwise. */
  constructor(tls: TlsOptions | undefined, observer: ListenerObserver) {
    if (tls === undefined) {
      this.server = createServer({ allowHalfOpen: true }, (socket) => observer.accepted(socket));
    } else {
      const options = { requestCert: true, rejectUnauthorized: true, ...tls, allowHalfOpen: true };
      this.server = createTlsServer(options, (socket) => observer.accepted(socket));
      this.server.on('tlsClientError', (error: Error) => observer.refused(error));
      this.server.on('connection', (socket: Socket) => this.#track(socket));
    }
    this.server.once('listening', () => this.server.on('error', (error) => observer.failed(error)));
  }

  /** Ends every pending TLS handshake, which only the listener knows of. */
  destroyHandshakes(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}
