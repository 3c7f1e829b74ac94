import { printable } from '../model/printable.js';
import { type Encoding, ServerSession } from '../zeo/protocol/index.js';

/** A client says it before all else when it is registered: `ZEO/ClientStorage.py: notify_connected`. */
const mostCalls = 16;
const maxFrameBytes = 64 * 1024;
const maxLength = 100;

/** Listens for the label that a client gives itself (`client-label`), in what it sends from its first byte on. */
export class ClientLabel {
  readonly #session: ServerSession;
  #callsLeft = mostCalls;
  #value: string | undefined;

  constructor(encoding: Encoding) {
    this.#session = new ServerSession({ encoding, maxFrameBytes });
  }

  /** Printable, and not long; `undefined` if there is none, or none yet. */
  get value(): string | undefined {
    return this.#value;
  }

  /** Whether nothing more is to be learnt. */
  get isOver(): boolean {
    return this.#callsLeft <= 0;
  }

  receive(chunk: Uint8Array): void {
    try {
      this.#session.receive(chunk, (event) => {
        if (event.type !== 'call' || this.isOver) return;
        this.#callsLeft -= 1;
        const [label] = event.args;
        if (event.method !== 'set_client_label' || typeof label !== 'string') return;
        this.#value = printable(label.slice(0, maxLength));
        this.#callsLeft = 0;
      });
    } catch {
      // A large frame, or one that the server will refuse: a client that has no label by then gets none.
      this.#callsLeft = 0;
    }
  }
}
