import { codecs } from '../zeo/encoding/codec.js';
import { type Encoding, FrameBoundaries } from '../zeo/protocol/index.js';

/** The smallest id of four bytes, which is as long as ids are that servers give back. */
const lastId = -(2 ** 31);
/** -1 is the heartbeat of Python's clients, which servers do not answer. */
const firstId = -2;

/** What a ping calls: ZEO's own `ping`, or `get_info`, which makes the server ask its storage. */
export type PingMethod = 'get_info' | 'ping';

/** Where a client's bytes go, and the pings. */
export interface RequestSink {
  pass(bytes: Uint8Array): void;
  /** A ping of that id follows what was passed on so far. */
  ping(id: number, frame: Uint8Array): void;
}

/**
 * Puts pings between the frames of what a client sends, and passes on everything else as it came.
 *
 * Their ids are those that no client uses: ZEO's count up from 1, or are pairs of bytes. Each has another, as the answer to
 * one that was given up may still come.
 */
export class PingInjector {
  readonly #encoding: Encoding;
  readonly #sink: RequestSink;
  readonly #method: PingMethod;
  readonly #frames = new FrameBoundaries();
  #nextId = firstId;
  /** The ping that waits for the end of the client's frame. */
  #waiting: { readonly id: number; readonly frame: Uint8Array } | undefined;

  constructor(encoding: Encoding, sink: RequestSink, method: PingMethod = 'ping') {
    this.#encoding = encoding;
    this.#sink = sink;
    this.#method = method;
  }

  /** Whether the client is between two of its frames. */
  get isBetweenFrames(): boolean {
    return this.#frames.isBetweenFrames;
  }

  /** Whether a ping waits for the end of the client's frame. */
  get isWaiting(): boolean {
    return this.#waiting !== undefined;
  }

  /**
   * How many bytes are still to be passed on up to the end of the ping that waits, its own included; `undefined` if none
   * waits, or the length of the client's frame is not known.
   */
  get bytesToPing(): number | undefined {
    const rest = this.#frames.restBytes;
    return this.#waiting === undefined || rest === undefined ? undefined : rest + this.#waiting.frame.length;
  }

  /** Sends a ping, now or as soon as the client's frame has ended. Returns its id. One that waits already is that ping. */
  ping(): number {
    if (this.#waiting !== undefined) return this.#waiting.id;
    const id = this.#nextId;
    this.#nextId = id === lastId ? firstId : id - 1;
    const frame = codecs[this.#encoding].encodeFrame([id, false, this.#method, []], 1024);
    if (this.#frames.isBetweenFrames) this.#sink.ping(id, frame);
    else this.#waiting = { id, frame };
    return id;
  }

  receive(chunk: Uint8Array): void {
    let at = 0;
    if (this.#waiting !== undefined) {
      at = this.#frames.advance(chunk, 0);
      if (this.#frames.isBetweenFrames) {
        const { id, frame } = this.#waiting;
        this.#waiting = undefined;
        this.#sink.pass(at === chunk.length ? chunk : chunk.subarray(0, at));
        this.#sink.ping(id, frame);
        if (at === chunk.length) return;
        this.#follow(chunk, at);
        this.#sink.pass(chunk.subarray(at));
        return;
      }
    }
    this.#follow(chunk, at);
    this.#sink.pass(chunk);
  }

  #follow(chunk: Uint8Array, start: number): void {
    for (let at = start; at < chunk.length; ) at = this.#frames.advance(chunk, at);
  }
}
