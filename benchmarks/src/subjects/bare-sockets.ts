import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ClientSession } from '../../../dist/src/zeo/protocol/session.js';
import { openAll, type PingSubject, type SubjectOptions } from './subject.js';

/** So many connections are written to in one go when the writes are spread: as many as the agent takes. */
const sliceSize = 64;

/**
 * Registered connections without any client, the floor of what a ping costs: sockets that write one prebuilt frame and
 * count the bytes of the reply.
 */
export class BareSockets implements PingSubject {
  answered = 0;
  readonly failed = 0;
  readonly #sockets: readonly Socket[];
  readonly #frame: Uint8Array;
  readonly #options: SubjectOptions & { readonly spread: boolean };
  readonly #timers: NodeJS.Timeout[] = [];

  private constructor(
    sockets: readonly Socket[],
    frame: Uint8Array,
    replyBytes: number,
    options: SubjectOptions & { readonly spread: boolean },
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

  /** @param options `spread`: in slices over the period, as the agent does it; else all in one go */
  static async open(options: SubjectOptions & { readonly spread: boolean }): Promise<BareSockets> {
    const [host = '', port = ''] = options.address.split(':');
    let frame = new Uint8Array();
    let replyBytes = 0;
    const sockets = await openAll(options.count, async () => {
      const socket = connect({ host, port: Number(port), noDelay: true });
      const session = new ClientSession();
      const reply = async () => {
        const [chunk] = (await once(socket, 'data')) as [Buffer];
        return { chunk, events: [...session.receive(chunk)] };
      };
      await reply();
      socket.write(session.handshakeReply());
      socket.write(session.encodeCall(1, 'register', ['1', false]));
      await reply();
      frame = new Uint8Array(session.encodeCall(2, 'get_info', []));
      socket.write(frame);
      replyBytes = (await reply()).chunk.byteLength;
      return socket;
    });
    return new BareSockets(sockets, frame, replyBytes, options);
  }

  start(): void {
    const { periodMs, spread } = this.#options;
    const size = spread ? sliceSize : this.#sockets.length;
    const slices = Math.ceil(this.#sockets.length / size);
    for (let i = 0; i < slices; i++) {
      const begin = () =>
        this.#timers.push(setInterval(() => this.#ping(i * size, (i + 1) * size), periodMs));
      this.#timers.push(setTimeout(begin, (i / slices) * periodMs));
    }
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    for (const socket of this.#sockets) socket.destroy();
  }

  #ping(from: number, to: number): void {
    const { onSent } = this.#options;
    for (let i = from; i < Math.min(to, this.#sockets.length); i++) {
      onSent?.(i);
      this.#sockets[i]?.write(this.#frame);
    }
  }
}
