import { portCount, type TcpRow, type WantedPorts } from '../tcp/tcp-rows.js';

/** The sockets that are watched, in slots that are numbered from 0. Another thread may change them at any moment. */
export interface WatchedSockets {
  /** Changes after any of them has changed. */
  readonly version: number;
  /** How many there are at this moment. */
  readonly count: number;
  /** All slots that are in use are below this. */
  readonly size: number;
  /** A number that only the socket in this slot ever has there; 0 while the slot is vacant. */
  sequence(slot: number): number;
  localPort(slot: number): number;
  remotePort(slot: number): number;
  /** One of the four words of its remote address as `addressWords` has them, from 0. */
  remoteAddressWord(slot: number, word: number): number;
}

const noSlot = -1;
const buckets = 0x10000;
/** The third word of an IPv4 address. */
const mapped = 0xffff;

/**
 * Which slot a row of the kernel's table belongs to. Two sockets may have the same ports, and then differ in the address that
 * they are connected to; what tells two sockets of one process apart is not the local address.
 */
export class SocketIndex {
  readonly wantedPorts: WantedPorts = new Uint8Array(portCount);
  /** By hash the first slot with it, and by slot the next one; one more than the slot, 0: none. */
  readonly #first = new Uint32Array(buckets);
  #next = new Uint32Array();
  #sequences = new Uint32Array();
  #localPorts = new Uint16Array();
  #remotePorts = new Uint16Array();
  #words = new Uint32Array();
  /** Of what the last update has read. */
  #version: number | undefined;
  #size = 0;
  #count = 0;
  #hasIpv4 = false;
  #oldestSlot = 0;

  /** All their slots are below this. */
  get size(): number {
    return this.#size;
  }

  /** How many sockets the last update has found. */
  get count(): number {
    return this.#count;
  }

  /** The slot of one that has most likely been there for long: of the lowest sequence number. 0 without any. */
  get oldestSlot(): number {
    return this.#oldestSlot;
  }

  /** Whether one of them is connected to an IPv4 address. */
  get hasIpv4(): boolean {
    return this.#hasIpv4;
  }

  /** Of the socket that had the slot at the last update; 0 without one. */
  sequence(slot: number): number {
    return this.#sequences[slot] as number;
  }

  /** Takes over which sockets are there now. */
  update(sockets: WatchedSockets): void {
    // Read first: what changes meanwhile is read at the next update.
    const { version } = sockets;
    if (version === this.#version) return;
    this.#version = version;
    const { size } = sockets;
    if (size > this.#next.length) this.#grow(size);
    this.#size = size;
    this.wantedPorts.fill(0);
    this.#first.fill(0);
    this.#count = 0;
    this.#hasIpv4 = false;
    this.#oldestSlot = 0;
    for (let slot = 0; slot < size; slot++) this.#add(sockets, slot);
  }

  /** The slot of a row's socket; -1 for a row of another connection. */
  slotOf({ localPort, remotePort, remoteAddress }: TcpRow): number {
    const hash = hashOf(localPort, remotePort, remoteAddress[3] as number);
    for (let next = this.#first[hash] as number; next !== 0; ) {
      const slot = next - 1;
      const hasPorts = this.#localPorts[slot] === localPort && this.#remotePorts[slot] === remotePort;
      if (hasPorts && this.#isConnectedTo(slot, remoteAddress)) return slot;
      next = this.#next[slot] as number;
    }
    return noSlot;
  }

  #add(sockets: WatchedSockets, slot: number): void {
    this.#sequences[slot] = 0;
    const sequence = sockets.sequence(slot);
    if (sequence === 0) return;
    const localPort = sockets.localPort(slot);
    const remotePort = sockets.remotePort(slot);
    this.#localPorts[slot] = localPort;
    this.#remotePorts[slot] = remotePort;
    for (let word = 0; word < 4; word++) this.#words[4 * slot + word] = sockets.remoteAddressWord(slot, word);
    // Another socket has taken the slot while it was read: it is there at the next look.
    if (sockets.sequence(slot) !== sequence) return;
    this.#sequences[slot] = sequence;
    const hash = hashOf(localPort, remotePort, this.#words[4 * slot + 3] as number);
    this.#next[slot] = this.#first[hash] as number;
    this.#first[hash] = slot + 1;
    this.wantedPorts[localPort] = 1;
    if (this.#count === 0 || sequence < this.sequence(this.#oldestSlot)) this.#oldestSlot = slot;
    this.#count += 1;
    this.#hasIpv4 ||= this.#words[4 * slot + 2] === mapped;
  }

  #isConnectedTo(slot: number, address: Uint32Array): boolean {
    const words = this.#words;
    const at = 4 * slot;
    return (
      words[at + 3] === address[3] &&
      words[at + 2] === address[2] &&
      words[at + 1] === address[1] &&
      words[at] === address[0]
    );
  }

  #grow(size: number): void {
    const capacity = Math.max(64, 2 * size);
    this.#next = new Uint32Array(capacity);
    this.#sequences = new Uint32Array(capacity);
    this.#localPorts = new Uint16Array(capacity);
    this.#remotePorts = new Uint16Array(capacity);
    this.#words = new Uint32Array(4 * capacity);
  }
}

/** Many sockets may share a local port, or the server that they are connected to. */
function hashOf(localPort: number, remotePort: number, lastWord: number): number {
  const mixed = Math.imul(lastWord ^ (remotePort << 16) ^ localPort, 0x9e3779b1);
  return mixed >>> 16;
}
