import { ProtocolError } from '../../model/errors.js';
import { dictCost, maxDepth, maxValues, objectCost } from '../../pickle/limits.js';
import { decodeText } from '../../pickle/text.js';

/** What a message holds that the library's result has to be corrected for. */
export interface MsgpackFacts {
  readonly hasMap: boolean;
  /** Whether an integer is beyond ±(2^53 − 1). */
  readonly hasBigInteger: boolean;
}

/** Heads come in rows for lengths, or integers, of one, two and four bytes. */
const lengthBytes = [1, 2, 4] as const;

/**
 * Checks a whole message before the library decodes it: the library allocates an array by its announced length,
 * repairs text that is no UTF-8, and gives extension types to JavaScript classes.
 *
 * Linear, no recursion: the number of values that are still owed can never exceed the bytes that are left.
 *
 * @throws ProtocolError for a message that is not one complete value of the types that ZEO uses.
 */
export function scanMsgpack(bytes: Uint8Array): MsgpackFacts {
  return new MsgpackScan(bytes).run();
}

class MsgpackScan {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position = 0;
  #owed = 1;
  #budget = maxValues;
  /** Values owed outside of each open container, the outermost first. */
  readonly #outside: number[] = [];
  #hasMap = false;
  #hasBigInteger = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  run(): MsgpackFacts {
    const { length } = this.#bytes;
    while (this.#owed > 0) {
      if (this.#owed > length - this.#position) throw truncated();
      this.#owed--;
      this.#value(this.#bytes[this.#position++] as number);
      this.#leave();
    }
    if (this.#position < length) {
      throw new ProtocolError(`Message is followed by ${length - this.#position} bytes`);
    }
    return { hasMap: this.#hasMap, hasBigInteger: this.#hasBigInteger };
  }

  #value(head: number): void {
    if (head <= 0x7f || head >= 0xe0) return;
    if (head <= 0x8f) this.#map(head & 0x0f);
    else if (head <= 0x9f) this.#enter(head & 0x0f, 1);
    else if (head <= 0xbf) this.#text(head & 0x1f);
    else this.#headedValue(head);
  }

  #headedValue(head: number): void {
    switch (head) {
      case 0xc0:
      case 0xc2:
      case 0xc3:
        break;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        this.#skip(this.#length(lengthBytes[head - 0xc4] as 1));
        // Its container has counted it once.
        this.#spend(objectCost - 1);
        break;
      case 0xca:
        this.#skip(4);
        break;
      case 0xcb:
        this.#skip(8);
        break;
      case 0xcc:
      case 0xcd:
      case 0xce:
        this.#skip(lengthBytes[head - 0xcc] as 1);
        break;
      case 0xd0:
      case 0xd1:
      case 0xd2:
        this.#skip(lengthBytes[head - 0xd0] as 1);
        break;
      case 0xcf:
      case 0xd3:
        this.#integer8(head === 0xd3);
        break;
      case 0xd9:
      case 0xda:
      case 0xdb:
        this.#text(this.#length(lengthBytes[head - 0xd9] as 1));
        break;
      case 0xdc:
      case 0xdd:
        this.#enter(this.#length(lengthBytes[head - 0xdb] as 1), 1);
        break;
      case 0xde:
      case 0xdf:
        this.#map(this.#length(lengthBytes[head - 0xdd] as 1));
        break;
      default:
        throw new ProtocolError(`Msgpack type 0x${head.toString(16)} is not allowed`);
    }
  }

  #map(length: number): void {
    this.#hasMap = true;
    this.#spend(dictCost);
    this.#enter(length, 2);
  }

  #enter(length: number, valuesEach: 1 | 2): void {
    const count = length * valuesEach;
    this.#spend(count + 1);
    if (this.#outside.length >= maxDepth) {
      throw new ProtocolError(`Message nests deeper than ${maxDepth} levels`);
    }
    this.#outside.push(this.#owed);
    this.#owed += count;
  }

  #spend(cost: number): void {
    this.#budget -= cost;
    if (this.#budget < 0) throw new ProtocolError('Message holds too many values');
  }

  /** Closes the containers whose last value was just read. */
  #leave(): void {
    const outside = this.#outside;
    while (outside.length > 0 && outside[outside.length - 1] === this.#owed) outside.pop();
  }

  #length(size: 1 | 2 | 4): number {
    const start = this.#position;
    this.#skip(size);
    if (size === 1) return this.#view.getUint8(start);
    return size === 2 ? this.#view.getUint16(start) : this.#view.getUint32(start);
  }

  #text(length: number): void {
    const start = this.#position;
    this.#skip(length);
    for (let index = start; index < this.#position; index++) {
      // Only text with other than ASCII in it can be wrong.
      if ((this.#bytes[index] as number) > 0x7f) {
        decodeText(this.#bytes, index, this.#position);
        return;
      }
    }
  }

  #integer8(signed: boolean): void {
    const start = this.#position;
    this.#skip(8);
    const high = signed ? this.#view.getInt32(start) : this.#view.getUint32(start);
    // Flags a few that are safe, next to -(2^53): a bigint too many becomes a number again.
    if (high >= 0x20_0000 || high <= -0x20_0000) this.#hasBigInteger = true;
  }

  #skip(count: number): void {
    if (count > this.#bytes.length - this.#position) throw truncated();
    this.#position += count;
  }
}

function truncated(): ProtocolError {
  return new ProtocolError('Message ends in the middle of a value');
}
