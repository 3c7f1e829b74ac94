import type { Socket } from 'node:net';

/** How one direction of a relayed connection treats its bytes. */
export type Manner =
  | { readonly kind: 'pass' }
  /** Reads and discards: the sender's bytes are acknowledged but never delivered. */
  | { readonly kind: 'swallow' }
  /** Holds everything until the manner changes. */
  | { readonly kind: 'hold' }
  /** Passes on `afterBytes` more bytes, then swallows. `cut` is called after the last of them. */
  | { readonly kind: 'cut'; readonly afterBytes: number; readonly cut?: () => void }
  /** Passes on one byte every `everyMs`. */
  | { readonly kind: 'trickle'; readonly everyMs: number }
  /** Delays everything by `ms`, in order. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Inverts every bit. */
  | { readonly kind: 'corrupt' };

interface Chunk {
  readonly bytes: Buffer;
  readonly receivedMs: number;
}

/** One direction of a relayed connection. Bytes not yet passed on wait in order, whatever the manner. */
export class Channel {
  readonly #source: Socket;
  readonly #sink: Socket;
  #manner: Manner;
  #waiting: Chunk[] = [];
  #ended = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(source: Socket, sink: Socket, manner: Manner) {
    this.#source = source;
    this.#sink = sink;
    this.#manner = manner;
    source.on('data', (bytes) => {
      this.#waiting.push({ bytes, receivedMs: performance.now() });
      this.#pump();
    });
    source.on('end', () => {
      this.#ended = true;
      this.#pump();
    });
    source.on('close', () => {
      clearTimeout(this.#timer);
      // A silent direction hides the end as well.
      if (!this.isSilent) sink.destroy();
    });
  }

  get isSilent(): boolean {
    return this.#manner.kind === 'swallow' || this.#manner.kind === 'hold';
  }

  set manner(manner: Manner) {
    this.#manner = manner;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (manner.kind !== 'hold' && this.#source.destroyed && !this.isSilent) this.#sink.destroy();
    this.#pump();
  }

  #pump(): void {
    switch (this.#manner.kind) {
      case 'swallow':
        this.#waiting = [];
        return;
      case 'hold':
        return;
      case 'pass':
        this.#write(this.#take());
        break;
      case 'corrupt':
        this.#write(this.#take().map((byte) => ~byte));
        break;
      case 'cut':
        this.#cut(this.#manner);
        return;
      case 'trickle':
        this.#trickle(this.#manner.everyMs);
        break;
      case 'delay':
        this.#delay(this.#manner.ms);
    }
    if (this.#ended && this.#waiting.length === 0) this.#sink.end();
  }

  #cut(manner: Manner & { kind: 'cut' }): void {
    const bytes = this.#take();
    const passed = bytes.subarray(0, manner.afterBytes);
    const leftBytes = manner.afterBytes - passed.length;
    this.#manner = leftBytes > 0 ? { ...manner, afterBytes: leftBytes } : { kind: 'swallow' };
    this.#write(passed);
    if (leftBytes === 0) manner.cut?.();
  }

  #trickle(everyMs: number): void {
    if (this.#timer !== undefined || this.#waiting.length === 0) return;
    const bytes = this.#take();
    this.#write(bytes.subarray(0, 1));
    if (bytes.length > 1) this.#waiting = [{ bytes: bytes.subarray(1), receivedMs: performance.now() }];
    this.#wakeIn(everyMs);
  }

  #delay(ms: number): void {
    const dueMs = performance.now() - ms;
    // A timer may fire a fraction of a millisecond early.
    while ((this.#waiting[0]?.receivedMs ?? Infinity) <= dueMs + 1) {
      this.#write((this.#waiting.shift() as Chunk).bytes);
    }
    const [next] = this.#waiting;
    if (next !== undefined && this.#timer === undefined) this.#wakeIn(next.receivedMs - dueMs);
  }

  #wakeIn(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#pump();
    }, ms);
  }

  #take(): Buffer {
    const bytes = Buffer.concat(this.#waiting.map((chunk) => chunk.bytes));
    this.#waiting = [];
    return bytes;
  }

  #write(bytes: Uint8Array): void {
    if (bytes.length > 0 && !this.#sink.destroyed) this.#sink.write(bytes);
  }
}
