import type { Value } from '../encoding/values.js';

/**
 * A reply whose value is decoded on first access; a keep-alive ping never accesses it.
 *
 * A class, because creating an object literal with a getter takes twenty times as long. `value` is therefore a getter of the
 * prototype, which spreading or comparing own properties does not see.
 */
export class LazyReply {
  readonly type = 'reply';
  readonly id: number;
  #frame: Uint8Array | undefined;
  #value: Value = null;
  readonly #decode: (frame: Uint8Array) => Value;

  constructor(id: number, frame: Uint8Array, decode: (frame: Uint8Array) => Value) {
    this.id = id;
    this.#frame = frame;
    this.#decode = decode;
  }

  /** @throws ProtocolError if it cannot be decoded */
  get value(): Value {
    if (this.#frame !== undefined) {
      this.#value = this.#decode(this.#frame);
      this.#frame = undefined;
    }
    return this.#value;
  }
}
