import { connect, type Socket } from 'node:net';
import { isDict, type MessageId, type Value } from '#src/zeo/encoding/values.js';
import { ClientSession } from '#src/zeo/protocol/index.js';

export interface Notification {
  readonly method: string;
  readonly args: readonly Value[];
}

/** A received message, replies as `reply`: a test can see their order. */
type Arrival = Notification | { readonly method: 'reply'; readonly args: readonly [MessageId] };

/** The embedded server, or ZEO's own. */
export interface Reachable {
  /** 0 on a unix socket. */
  readonly port: number;
  readonly address: string;
}

/** A minimal ZEO client: it sends only what the test tells it to, and answers nothing by itself. */
export class WireClient {
  readonly socket: Socket;
  /** Resolves when the connection has ended. */
  readonly closed: Promise<void>;
  readonly arrivals: Arrival[] = [];
  readonly #session: ClientSession;
  readonly #pending = new Map<
    MessageId,
    { resolve: (value: Value) => void; reject: (error: Error) => void }
  >();
  #wake: (() => void) | undefined;
  #lastId = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    this.#session = new ClientSession();
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        for (const call of this.#pending.values()) call.reject(new Error('Connection closed'));
        resolve();
      });
    });
    socket.on('error', () => {});
    socket.on('data', (chunk) => this.#receive(chunk));
  }

  /** Connected and greeted, not registered. */
  static async connect(server: Reachable): Promise<WireClient> {
    return WireClient.over(
      server.port === 0 ? connect({ path: server.address }) : connect({ port: server.port }),
    );
  }

  /** The same on a socket of the test, e.g. one with TLS. */
  static async over(socket: Socket): Promise<WireClient> {
    const client = new WireClient(socket);
    await client.#until(() => client.#session.protocol !== undefined);
    socket.write(client.#session.handshakeReply());
    return client;
  }

  /** Connected and registered. */
  static async register(server: Reachable, storage = '1', readOnly = false): Promise<WireClient> {
    const client = await WireClient.connect(server);
    await client.call('register', storage, readOnly);
    return client;
  }

  get protocol(): string | undefined {
    return this.#session.protocol;
  }

  /** One-way calls of the server. */
  get notifications(): readonly Notification[] {
    return this.arrivals.filter((arrival): arrival is Notification => arrival.method !== 'reply');
  }

  async call(method: string, ...args: Value[]): Promise<Value> {
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = new Promise<Value>((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    this.socket.write(this.#session.encodeCall(id, method, args));
    return answer;
  }

  oneWay(method: string, ...args: Value[]): void {
    this.socket.write(this.#session.encodeOneWay(method, args));
  }

  /** `tpc_begin` and one `storea` for each change, one-way as ZEO's client sends them. */
  store(id: number, ...changes: { oid: Uint8Array; serial: Uint8Array; data: Uint8Array }[]): void {
    this.oneWay('tpc_begin', id, Buffer.from('user'), Buffer.from('note'), {}, null, ' ');
    for (const { oid, serial, data } of changes) this.oneWay('storea', oid, serial, data, id);
  }

  /** Resolves with the nth one-way call of that name. */
  async notification(method: string, count = 1): Promise<Notification> {
    const seen = () => this.notifications.filter((one) => one.method === method);
    await this.#until(() => seen().length >= count);
    return seen()[count - 1] as Notification;
  }

  async close(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.socket.closed) throw new Error('Connection closed');
      const arrival = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await Promise.race([arrival, this.closed]);
    }
  }

  #receive(chunk: Uint8Array): void {
    this.#session.receive(chunk, (event) => {
      if (event.type === 'call')
        this.arrivals.push({ method: event.method, args: plain(event.args) as Value[] });
      if (event.type !== 'reply' && event.type !== 'error') return;
      this.arrivals.push({ method: 'reply', args: [event.id] });
      const call = this.#pending.get(event.id);
      this.#pending.delete(event.id);
      if (event.type === 'reply') call?.resolve(plain(event.value));
      else call?.reject(Object.assign(event.error, { args: plain(event.error.args as Value) }));
    });
    this.#wake?.();
  }
}

/** Bytes as plain arrays and dicts with a prototype, which `deepEqual` distinguishes from others. */
function plain(value: Value): Value {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (Array.isArray(value)) return value.map(plain);
  if (isDict(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  }
  return value;
}
