/**
 * The table of watched connections: memory that both threads see, written by the main thread and read by the worker.
 *
 * Rules:
 * - A slot's sequence number goes up by one when it is taken and again when it is freed: odd is in use, and (slot, sequence)
 *   names one connection for as long as the table exists.
 * - When a slot is taken, its number is written last; whoever reads it checks the number before and after. So a row is read
 *   as a whole or not at all, without a lock.
 * - `version` counts the changes: unchanged means that nothing has to be read again.
 *
 * Nothing but Node's own is imported here: the worker loads it.
 */

const header = { version: 0, count: 1, used: 2, length: 4 } as const;
const field = { sequence: 0, ports: 1, address: 2, length: 6 } as const;
const addressWords = 4;

const initialSlots = 64;
/** A limit on reserved address space (24 MiB), not on used memory. */
const maximumSlots = 2 ** 20;

const cellsFor = (slots: number) => header.length + slots * field.length;
const bytesFor = (slots: number) => cellsFor(slots) * Int32Array.BYTES_PER_ELEMENT;

/** Both ends of a connection, as far as they are needed to find it in the kernel's table. */
export interface SocketEndpoints {
  readonly localPort: number;
  readonly remotePort: number;
  /** 16 bytes in network order; IPv4 in its IPv4-mapped form. */
  readonly remoteAddress: Uint8Array;
}

/** A connection of the table. */
export interface WatchedSocket {
  readonly slot: number;
  /** Tells it from what was in this slot before, and from what will be. */
  readonly sequence: number;
  readonly localPort: number;
  readonly remotePort: number;
  /**
   * The address in four words, each of them as the kernel prints it: `/proc/net/tcp6` shows all four in hexadecimal,
   * `/proc/net/tcp` the last one.
   */
  readonly remoteAddress: Uint32Array;
}

/** The worker's side: reads, and never writes. */
export class SocketTableReader {
  readonly buffer: SharedArrayBuffer;
  // Of the length that the buffer had when it was last looked at: a view that follows it costs three times as much.
  #cells: Int32Array;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#cells = new Int32Array(buffer);
  }

  /** Changes with every connection that is added or removed. */
  get version(): number {
    return Atomics.load(this.#cells, header.version);
  }

  /** How many connections there are. */
  get count(): number {
    return Atomics.load(this.#cells, header.count);
  }

  /** Whether this connection is still in the table. */
  has(slot: number, sequence: number): boolean {
    return isInUse(sequence) && this.#load(slot, field.sequence) === sequence;
  }

  /** The connections that are in the table, in the order of their slots. */
  *[Symbol.iterator](): Generator<WatchedSocket, void, undefined> {
    // Not up to `used` as it grows: what is added while this reads is seen by the next reading.
    const used = Atomics.load(this.#cells, header.used);
    for (let slot = 0; slot < used; slot++) {
      const row = this.row(slot);
      if (row !== undefined) yield row;
    }
  }

  /** What is in a slot; `undefined` when it is free, or was changing while it was read. */
  row(slot: number): WatchedSocket | undefined {
    const sequence = this.#load(slot, field.sequence);
    if (!isInUse(sequence)) return undefined;
    const ports = this.#load(slot, field.ports);
    const remoteAddress = new Uint32Array(addressWords);
    for (let word = 0; word < addressWords; word++)
      remoteAddress[word] = this.#load(slot, field.address + word);
    if (this.#load(slot, field.sequence) !== sequence) return undefined;
    return { slot, sequence, localPort: ports >>> 16, remotePort: ports & 0xffff, remoteAddress };
  }

  #load(slot: number, name: number): number {
    const index = cellsFor(slot) + name;
    // The main thread has made it grow.
    if (index >= this.#cells.length) this.#cells = new Int32Array(this.buffer);
    return index < this.#cells.length ? Atomics.load(this.#cells, index) : 0;
  }
}

/** The main thread's side. */
export class SocketTable {
  readonly buffer = new SharedArrayBuffer(bytesFor(initialSlots), { maxByteLength: bytesFor(maximumSlots) });
  readonly reader = new SocketTableReader(this.buffer);
  readonly #free: number[] = [];
  #cells = new Int32Array(this.buffer);
  #used = 0;

  /** How many slots have ever been in use: all that are, are below. */
  get used(): number {
    return this.#used;
  }

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
    const words = new Int32Array(Uint8Array.from(remoteAddress).buffer);
    for (let word = 0; word < addressWords; word++)
      Atomics.store(this.#cells, index + field.address + word, words[word] as number);
    this.#change(slot, 1);
    return slot;
  }

  /** Frees a slot that is in use. */
  remove(slot: number): void {
    this.#change(slot, -1);
    this.#free.push(slot);
  }

  /** Of the connection in this slot. */
  sequence(slot: number): number {
    return Atomics.load(this.#cells, cellsFor(slot) + field.sequence);
  }

  #next(): number | undefined {
    const slot = this.#used;
    if (slot >= maximumSlots) return undefined;
    if (bytesFor(slot + 1) > this.buffer.byteLength) {
      this.buffer.grow(Math.min(2 * this.buffer.byteLength, this.buffer.maxByteLength));
      this.#cells = new Int32Array(this.buffer);
    }
    this.#used += 1;
    Atomics.store(this.#cells, header.used, this.#used);
    return slot;
  }

  #change(slot: number, by: 1 | -1): void {
    Atomics.add(this.#cells, cellsFor(slot) + field.sequence, 1);
    Atomics.add(this.#cells, header.count, by);
    Atomics.add(this.#cells, header.version, 1);
  }
}

const isInUse = (sequence: number) => (sequence & 1) === 1;
