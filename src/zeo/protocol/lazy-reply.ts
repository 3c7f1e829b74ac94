import type { Value } from '../encoding/values.js';

/**
 * A reply whose value is decoded when somebody looks at it: a keep-alive ping never does.
 *
 * A class, because an object literal with a getter takes twenty times as long to make. So `value` is a getter of
 * the prototype, which a spread or a comparison of own properties does not see.
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

  /** @throws ProtocolError when it cannot be decoded. */
  get value(): Value {
    if (this.#frame !== undefined) {
      this.#value = this.#decode(this.#frame);
      this.#frame = undefined;
    }
    return this.#value;
  }
}
