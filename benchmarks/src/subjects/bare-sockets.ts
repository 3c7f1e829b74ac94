import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ClientSession } from '../../../dist/src/zeo/protocol/index.js';
import { openAll, type PingSubject, type SubjectOptions } from './subject.js';

/**
 * Registered connections without any client: sockets that write one prebuilt frame, all at the same moment, and count the
 * bytes of the reply in a `data` listener.
 */
export class BareSockets implements PingSubject {
  answered = 0;
  readonly failed = 0;
  readonly #sockets: readonly Socket[];
  readonly #frame: Uint8Array;
  readonly #options: SubjectOptions;
  #timer: NodeJS.Timeout | undefined;

  private constructor(
    sockets: readonly Socket[],
    frame: Uint8Array,
    replyBytes: number,
    options: SubjectOptions,
  ) {
    this.#sockets = sockets;
    this.#frame = frame;
    this.#options = options;
    for (const socket of sockets) {
      let missing = replyBytes;
      socket.on('data', (chunk: Buffer) => {
        missing -= chunk.byteLength;
        if (missing > 0) return;
        missing = replyBytes;
        this.answered += 1;
      });
    }
  }

  static async open(options: SubjectOptions): Promise<BareSockets> {
    const [host = '', port = ''] = options.address.split(':');
    let frame: Uint8Array = Buffer.alloc(0);
    let replyBytes = 0;
    const sockets = await openAll(options.count, async () => {
      const socket = connect({ host, port: Number(port), noDelay: true });
      const session = new ClientSession();
      const reply = async () => {
        const [chunk] = (await once(socket, 'data')) as [Buffer];
        session.receive(chunk, () => {});
        return chunk;
      };
      await reply();
      socket.write(session.handshakeReply());
      socket.write(session.encodeCall(1, 'register', ['1', false]));
      await reply();
      frame = session.encodeCall(2, 'get_info', []);
      socket.write(frame);
      replyBytes = (await reply()).byteLength;
      return socket;
    });
    return new BareSockets(sockets, frame, replyBytes, options);
  }

  start(): void {
    const { onSent, periodMs } = this.#options;
    this.#timer = setInterval(() => {
      this.#sockets.forEach((socket, index) => {
        onSent?.(index);
        socket.write(this.#frame);
      });
    }, periodMs);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.destroy();
  }
}
