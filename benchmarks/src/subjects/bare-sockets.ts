import { connect, type Socket } from 'node:net';
import { ClientSession } from '../../../dist/src/zeo/protocol/index.js';
import { openAll, type PingSubject, type SubjectOptions } from './subject.js';

/** All sockets read into it, as those of the package's client do. */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

interface Connection {
  readonly socket: Socket;
  /** Handed what comes, which the next chunk overwrites. */
  onChunk: (chunk: Uint8Array) => void;
}

/**
 * Registered connections without any client: sockets that write one prebuilt frame, all at the same moment, and count the
 * bytes of the reply. They read as the package's client does, by `onread`, without memory for each chunk.
 */
export class BareSockets implements PingSubject {
  answered = 0;
  readonly failed = 0;
  readonly #connections: readonly Connection[];
  readonly #frame: Uint8Array;
  readonly #options: SubjectOptions;
  #timer: NodeJS.Timeout | undefined;

  private constructor(
    connections: readonly Connection[],
    frame: Uint8Array,
    replyBytes: number,
    options: SubjectOptions,
  ) {
    this.#connections = connections;
    this.#frame = frame;
    this.#options = options;
    for (const connection of connections) {
      let missing = replyBytes;
      connection.onChunk = (chunk) => {
        missing -= chunk.byteLength;
        if (missing > 0) return;
        missing = replyBytes;
        this.answered += 1;
      };
    }
  }

  static async open(options: SubjectOptions): Promise<BareSockets> {
    let frame: Uint8Array = Buffer.alloc(0);
    let replyBytes = 0;
    const connections = await openAll(options.count, async () => {
      const connection = connectTo(options.address);
      const { socket } = connection;
      const session = new ClientSession();
      const reply = () =>
        new Promise<number>((resolve) => {
          connection.onChunk = (chunk) => {
            session.receive(chunk.slice(), () => {});
            resolve(chunk.byteLength);
          };
        });
      await reply();
      socket.write(session.handshakeReply());
      socket.write(session.encodeCall(1, 'register', ['1', false]));
      await reply();
      frame = session.encodeCall(2, 'get_info', []);
      socket.write(frame);
      replyBytes = await reply();
      return connection;
    });
    return new BareSockets(connections, frame, replyBytes, options);
  }

  start(): void {
    const { onSent, periodMs } = this.#options;
    this.#timer = setInterval(() => {
      this.#connections.forEach(({ socket }, index) => {
        onSent?.(index);
        socket.write(this.#frame);
      });
    }, periodMs);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const { socket } of this.#connections) socket.destroy();
  }
}

function connectTo(address: string): Connection {
  const [host = '', port = ''] = address.split(':');
  const socket = connect({
    host,
    port: Number(port),
    noDelay: true,
    onread: {
      buffer: readBuffer,
      callback: (length, buffer) => {
        connection.onChunk(buffer.subarray(0, length));
        return true;
      },
    },
  });
  const connection: Connection = { socket, onChunk: () => {} };
  return connection;
}
