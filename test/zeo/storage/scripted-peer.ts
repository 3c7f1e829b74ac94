import { createServer, type Server, type Socket } from 'node:net';
import type { Value } from '#src/zeo/encoding/values.js';
import { ServerSession } from '#src/zeo/protocol/index.js';

/** What a handler returns to leave a call unanswered. */
export const silence = Symbol('silence');

/** What a handler throws to answer with a Python exception. */
export class PythonError extends Error {
  readonly className: string;
  readonly args: Value[];

  constructor(className: string, args: Value[]) {
    super(className);
    this.className = className;
    this.args = args;
  }
}

type Answer = Value | typeof silence;
type Handler = (args: readonly Value[], from: PeerConnection) => Answer | Promise<Answer>;

export interface PeerOptions {
  encoding?: 'Z' | 'M';
  port?: number;
  path?: string;
  storage?: string;
  readOnly?: boolean;
  lastTid?: Uint8Array;
  handlers?: Record<string, Handler>;
}

/** One client of a {@link ScriptedPeer}. */
export interface PeerConnection {
  readonly socket: Socket;
  readonly session: ServerSession;
}

/** An id from a readable number. */
export function id(value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return new Uint8Array(bytes);
}

/** A ZEO server with scripted replies: every handler can be replaced, even while it runs. */
export class ScriptedPeer {
  readonly calls: { method: string; args: readonly Value[] }[] = [];
  readonly connections = new Set<PeerConnection>();
  /** Number of connections so far. */
  accepted = 0;
  lastTid: Uint8Array;
  readOnly: boolean;
  readonly handlers: Record<string, Handler>;
  readonly #server: Server;
  readonly #options: PeerOptions;

  private constructor(options: PeerOptions) {
    this.#options = options;
    this.lastTid = options.lastTid ?? id(100);
    this.readOnly = options.readOnly ?? false;
    this.#server = createServer((socket) => this.#accept(socket));
    this.handlers = {
      register: ([storage, readOnly]) => {
        if (storage !== (options.storage ?? '1')) {
          throw new PythonError('builtins.ValueError', [`unknown storage: ${storage}`]);
        }
        if (this.readOnly && !readOnly) throw new PythonError('ZODB.POSException.ReadOnlyError', []);
        return this.lastTid;
      },
      get_info: () => ({
        length: 1,
        size: 2,
        name: 'scripted',
        supportsUndo: true,
        interfaces: [['zope', 'I']],
      }),
      ping: () => null,
      lastTransaction: () => this.lastTid,
      getInvalidations: () => null,
      loadBefore: ([oid]) => [oid as Uint8Array, id(90), null],
      server_status: () => ({ connections: this.connections.size }),
      ...options.handlers,
    };
  }

  static async listen(options: PeerOptions = {}): Promise<ScriptedPeer> {
    const peer = new ScriptedPeer(options);
    const { path, port = 0 } = options;
    await new Promise<void>((resolve, reject) => {
      peer.#server.once('error', reject);
      peer.#server.listen(path === undefined ? { host: '127.0.0.1', port } : { path }, resolve);
    });
    return peer;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  get address(): string {
    return this.#options.path ?? `127.0.0.1:${this.port}`;
  }

  /** Sends a one-way call to every client. */
  tell(method: string, args: Value[]): void {
    for (const { socket, session } of this.connections) socket.write(session.encodeOneWay(method, args));
  }

  /** Ends every connection, as if the server crashed. */
  cut(): void {
    for (const { socket } of this.connections) socket.destroy();
  }

  count(method: string): number {
    return this.calls.filter((call) => call.method === method).length;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #accept(socket: Socket): void {
    const connection = { socket, session: new ServerSession({ encoding: this.#options.encoding ?? 'Z' }) };
    this.accepted += 1;
    this.connections.add(connection);
    socket.on('error', () => {});
    socket.on('close', () => this.connections.delete(connection));
    socket.on('data', (chunk) => {
      connection.session.receive(chunk, (event) => {
        if (event.type === 'call') void this.#answer(connection, event);
      });
    });
    socket.write(connection.session.greeting());
  }

  async #answer(
    from: PeerConnection,
    { id, oneWay, method, args }: { id: Value; oneWay: boolean; method: string; args: readonly Value[] },
  ): Promise<void> {
    this.calls.push({ method, args });
    if (oneWay) return;
    const { socket, session } = from;
    try {
      const handler = this.handlers[method];
      if (handler === undefined) throw new Error(`no handler for ${method}`);
      const result = handler(args, from);
      const answer = result instanceof Promise ? await result : result;
      if (answer !== silence) socket.write(session.encodeReply(id, answer));
    } catch (error) {
      if (!(error instanceof PythonError)) throw error;
      socket.write(session.encodeError(id, error.className, error.args));
    }
  }
}

/** A server that does not speak ZEO: it only runs `onConnection`. */
export async function listenRaw(
  onConnection: (socket: Socket) => void,
): Promise<{ address: string; [Symbol.asyncDispose](): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    address: `127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
