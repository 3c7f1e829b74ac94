import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ClientSession } from '../src/zeo/protocol/session.js';

/** Registered connections without any client: sockets that write one prebuilt ping and count the bytes of the reply. */
export class BareSockets {
  readonly #sockets: Socket[];
  readonly #frame: Uint8Array;
  readonly #replyBytes: number;

  private constructor(sockets: Socket[], frame: Uint8Array, replyBytes: number) {
    this.#sockets = sockets;
    this.#frame = frame;
    this.#replyBytes = replyBytes;
  }

  static async open(address: string, count: number): Promise<BareSockets> {
    const [host = '', port = ''] = address.split(':');
    const sockets: Socket[] = [];
    let frame: Uint8Array = new Uint8Array();
    let replyBytes = 0;
    for (let i = 0; i < count; i++) {
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
      frame = session.encodeCall(2, 'get_info', []);
      socket.write(frame);
      replyBytes = (await reply()).chunk.byteLength;
      sockets.push(socket);
    }
    return new BareSockets(sockets, frame, replyBytes);
  }

  /** One ping of each. Resolves when all are answered. */
  pingAll(): Promise<void> {
    return new Promise((resolve) => {
      let open = this.#sockets.length;
      for (const socket of this.#sockets) {
        let missing = this.#replyBytes;
        const onData = (chunk: Buffer) => {
          missing -= chunk.byteLength;
          if (missing > 0) return;
          socket.off('data', onData);
          open -= 1;
          if (open === 0) resolve();
        };
        socket.on('data', onData);
        socket.write(this.#frame);
      }
    });
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
