import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';

/** Who is told of what comes in. */
export interface ListenerObserver {
  /** A client that may speak: where TLS is used, after its handshake. */
  accepted(socket: Socket): void;
  /** A TLS handshake failed, e.g. for want of a certificate. */
  refused(error: Error): void;
  /** The system's trouble with accepting one, e.g. no file descriptor is left: it concerns one client and not the server. */
  failed(error: Error): void;
}

/** What a server listens with: plainly, or with TLS. */
export class Listener {
  readonly server: Server;
  /** What lies under the connections with TLS, those in the middle of their handshake included. */
  readonly #sockets = new Set<Socket>();

  /** @param tls Node's options; as with ZEO's server clients need a certificate unless they say otherwise. */
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

  /** Ends every TLS handshake now, which nobody else knows of. */
  destroyHandshakes(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}
