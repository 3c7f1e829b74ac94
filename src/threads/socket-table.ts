/**
 * The table of watched connections: memory that both threads see, written by the main thread and read by the worker.
 *
 * Rules:
 * - A slot's sequence number goes up by one when it is taken and again when it is freed: odd is in use, and (slot, sequence)
 *   names one connection for as long as the table exists.
 * - When a slot is taken, its number is written last. Whoever finds the same number before and after has read what belongs
 *   to it, without a lock.
 * - `version` counts the changes: unchanged means that nothing has to be read again.
 */
import { cellsOf } from './board.js';

const header = { version: 0, count: 1, size: 2, length: 3 } as const;
const field = { sequence: 0, ports: 1, address: 2, length: 6 } as const;
const addressLength = 4;

const initialSlots = 64;
/** A limit on reserved address space (24 MiB), not on used memory. */
const maximumSlots = 2 ** 20;

const cellsFor = (slots: number) => header.length + slots * field.length;
const bytesFor = (slots: number) => cellsFor(slots) * Int32Array.BYTES_PER_ELEMENT;

/** What is needed of both ends of a connection to find it in the kernel's table. */
export interface SocketEndpoints {
  readonly localPort: number;
  readonly remotePort: number;
  /** The four words of an IPv6 address, the highest first; an IPv4 address is `0, 0, 0xffff` and its own word. */
  readonly remoteAddress: Uint32Array;
}

/** The worker's side: it only reads. */
export class SocketTableReader {
  readonly buffer: SharedArrayBuffer;
  // Renewed when the buffer has grown.
  #cells: Int32Array;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#cells = cellsOf(buffer);
  }

  /** Changes with every connection that is added or removed. */
  get version(): number {
    return Atomics.load(this.#cells, header.version);
  }

  /** How many connections there are. */
  get count(): number {
    return Atomics.load(this.#cells, header.count);
  }

  /** All slots that are in use are below this. */
  get size(): number {
    return Atomics.load(this.#cells, header.size);
  }

  /** A number that only this connection ever has in this slot; 0 while the slot is free. */
  sequence(slot: number): number {
    const sequence = this.#load(slot, field.sequence);
    return isInUse(sequence) ? sequence >>> 0 : 0;
  }

  localPort(slot: number): number {
    return this.#load(slot, field.ports) >>> 16;
  }

  remotePort(slot: number): number {
    return this.#load(slot, field.ports) & 0xffff;
  }

  /** One of the four words of the remote address, from 0. */
  remoteAddressWord(slot: number, word: number): number {
    return this.#load(slot, field.address + word) >>> 0;
  }

  #load(slot: number, name: number): number {
    const index = cellsFor(slot) + name;
    // The main thread has grown the buffer.
    if (index >= this.#cells.length) this.#cells = cellsOf(this.buffer);
    return index < this.#cells.length ? Atomics.load(this.#cells, index) : 0;
  }
}

/** The main thread's side. */
export class SocketTable {
  readonly buffer = new SharedArrayBuffer(bytesFor(initialSlots), { maxByteLength: bytesFor(maximumSlots) });
  readonly reader = new SocketTableReader(this.buffer);
  readonly #free: number[] = [];
  #cells = cellsOf(this.buffer);
  #size = 0;

  /**
   * Takes a slot for a connection.
   *
   * @returns `undefined` when the table is full, with a million connections
   */
  add({ localPort, remotePort, remoteAddress }: SocketEndpoints): number | undefined {
    const slot = this.#free.pop() ?? this.#next();
    if (slot === undefined) return undefined;
    const index = cellsFor(slot);
    Atomics.store(this.#cells, index + field.ports, (localPort << 16) | remotePort);
    for (let word = 0; word < addressLength; word++)
      Atomics.store(this.#cells, index + field.address + word, remoteAddress[word] as number);
    this.#change(slot, 1);
    return slot;
  }

  /** Frees a slot that is in use. */
  remove(slot: number): void {
    this.#change(slot, -1);
    this.#free.push(slot);
  }

  #next(): number | undefined {
    const slot = this.#size;
    if (slot >= maximumSlots) return undefined;
    if (bytesFor(slot + 1) > this.buffer.byteLength) {
      this.buffer.grow(Math.min(2 * this.buffer.byteLength, this.buffer.maxByteLength));
      this.#cells = cellsOf(this.buffer);
    }
    this.#size += 1;
    Atomics.store(this.#cells, header.size, this.#size);
    return slot;
  }

  #change(slot: number, by: 1 | -1): void {
    Atomics.add(this.#cells, cellsFor(slot) + field.sequence, 1);
    Atomics.add(this.#cells, header.count, by);
    Atomics.add(this.#cells, header.version, 1);
  }
}

const isInUse = (sequence: number) => (sequence & 1) === 1;
