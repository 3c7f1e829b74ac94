import { frameHeaderBytes } from '../encoding/frame.js';

/** Where the frames of a byte stream end that is passed on as it is. Only their lengths are read. */
export class FrameBoundaries {
  #headerBytes = 0;
  /** Of the frame under way: as much of its length as is known. */
  #length = 0;
  /** How much of its payload is still to come. */
  #rest = 0;

  /** Whether the next byte begins a frame. */
  get isBetweenFrames(): boolean {
    return this.#headerBytes === 0 && this.#rest === 0;
  }

  /** How many bytes of the frame under way are still to come; `undefined` while its length is not known. */
  get restBytes(): number | undefined {
    return this.#headerBytes === 0 ? this.#rest : undefined;
  }

  /** Follows the stream through `chunk` from `start`, to the end of a frame or of the chunk. Returns where that is. */
  advance(chunk: Uint8Array, start: number): number {
    let index = start;
    if (this.#rest === 0) {
      while (this.#headerBytes < frameHeaderBytes) {
        if (index >= chunk.length) return index;
        // Multiplied, not shifted: the first byte may have its high bit set.
        this.#length = this.#length * 256 + (chunk[index++] as number);
        this.#headerBytes += 1;
      }
      this.#rest = this.#length;
      this.#headerBytes = 0;
      this.#length = 0;
    }
    const passed = Math.min(this.#rest, chunk.length - index);
    this.#rest -= passed;
    return index + passed;
  }
}
