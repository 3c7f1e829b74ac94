/**
 * The board: memory that both threads see, written by the main thread and read by the worker.
 *
 * Rules:
 * - A slot belongs to one target from `occupy` to `vacate`. Its ping number goes on counting when the slot is used again, so
 *   that (slot, number) always names the same ping.
 * - The ports of a connection stay until the next one is recorded, or another target takes the slot. The main thread reads them
 *   back rather than ask a socket again.
 * - Times are the low 32 bits of `systemClock` milliseconds. Differences between them are valid up to 24 days.
 * - The order of the writes matters. A ping's number is written first, and everything that belongs to a state before that state.
 *   That a request was taken is written after all that was done for it.
 */

import type { SocketPorts } from '../tcp/diagnosis.js';
import type { PingState } from './ping-state.js';

/** How far the main thread has got with a ping: the states that it writes. */
export type BoardState = Extract<PingState, 'concluded' | 'waiting' | 'queued' | 'sent'>;

/** The states by their codes; a slot that was never used is `concluded`. */
const states: readonly BoardState[] = ['concluded', 'waiting', 'queued', 'sent'];
const code: Readonly<Record<BoardState, number>> = { concluded: 0, waiting: 1, queued: 2, sent: 3 };

const slot = {
  occupied: 0,
  number: 1,
  state: 2,
  startedAt: 3,
  sentAt: 4,
  receivedAt: 5,
  ports: 6,
  sentSince: 7,
  ahead: 8,
  hangTimeout: 9,
  remoteAddress: 10,
  generation: 11,
  taken: 12,
  length: 13,
} as const;

const occupancy = { no: 0, yes: 1, inOrder: 2 } as const;

const initialSlots = 64;
/** A limit on reserved address space (52 MiB), not on used memory. */
const maximumSlots = 2 ** 20;

const bytesFor = (slots: number) => slots * slot.length * Int32Array.BYTES_PER_ELEMENT;

export class Board {
  readonly buffer: SharedArrayBuffer;
  // Renewed when the buffer has grown.
  #cells: Int32Array;
  readonly #free: number[] = [];
  #used = 0;

  /** @param buffer of a board that another thread made; otherwise the board is new */
  constructor(buffer?: SharedArrayBuffer) {
    this.buffer =
      buffer ?? new SharedArrayBuffer(bytesFor(initialSlots), { maxByteLength: bytesFor(maximumSlots) });
    this.#cells = cellsOf(this.buffer);
  }

  /**
   * Takes a slot for a target.
   *
   * @param answersInOrder see {@link Board.answersInOrder}
   * @param hangTimeoutMs see {@link Board.hangTimeoutMs}
   */
  occupy(answersInOrder = false, hangTimeoutMs = 0): number {
    const id = this.#free.pop() ?? this.#used++;
    if (bytesFor(id + 1) > this.buffer.byteLength) {
      this.buffer.grow(Math.min(2 * this.buffer.byteLength, this.buffer.maxByteLength));
    }
    this.#store(id, slot.hangTimeout, hangTimeoutMs);
    // Otherwise the connection of the target before would pass for one of this target, if both are of the same generation.
    this.#store(id, slot.ports, 0);
    this.#store(id, slot.occupied, answersInOrder ? occupancy.inOrder : occupancy.yes);
    return id;
  }

  vacate(id: number): void {
    this.#store(id, slot.state, code.concluded);
    this.#store(id, slot.occupied, occupancy.no);
    this.#free.push(id);
  }

  isOccupied(id: number): boolean {
    return this.#load(id, slot.occupied) !== occupancy.no;
  }

  /** Whether the server answers in order: the silence of a ping behind a request of the application proves nothing. */
  answersInOrder(id: number): boolean {
    return this.#load(id, slot.occupied) === occupancy.inOrder;
  }

  /** For how long the server may be silent after a ping that its host has acknowledged; less than the timeout has no effect. */
  hangTimeoutMs(id: number): number {
    return this.#load(id, slot.hangTimeout);
  }

  /** The ids of all occupied slots. */
  occupied(): number[] {
    const ids: number[] = [];
    this.#cells = cellsOf(this.buffer);
    const slots = Math.floor(this.#cells.length / slot.length);
    for (let id = 0; id < slots; id++) if (this.isOccupied(id)) ids.push(id);
    return ids;
  }

  /** Which of these slots are occupied by now, and which are vacant. */
  byOccupancy(ids: Iterable<number>): {
    readonly occupied: readonly number[];
    readonly vacant: readonly number[];
  } {
    const occupied: number[] = [];
    const vacant: number[] = [];
    for (const id of ids) (this.isOccupied(id) ? occupied : vacant).push(id);
    return { occupied, vacant };
  }

  /** Records that the main thread has taken a request to ping this slot: it has begun the ping, or seen no need to. */
  requestTaken(id: number): void {
    const index = this.#index(id, slot.taken);
    Atomics.add(this.#cells, index, 1);
  }

  /** How many requests were taken; wraps to negative numbers. */
  taken(id: number): number {
    return this.#load(id, slot.taken);
  }

  /** Begins a ping of this slot; returns its number. */
  pingWaits(id: number, nowMs: number): number {
    const index = this.#index(id, slot.number);
    const number = (Atomics.add(this.#cells, index, 1) + 1) | 0;
    this.#store(id, slot.startedAt, nowMs);
    this.#store(id, slot.state, code.waiting);
    return number;
  }

  /** Records that the ping waits again: a request of the application is out that may keep it from being answered. */
  pingCalledOff(id: number, nowMs: number): void {
    this.#store(id, slot.startedAt, nowMs);
    this.#store(id, slot.state, code.waiting);
  }

  /** Records that the ping was handed to the connection, which has not written it yet. */
  pingQueued(id: number): void {
    this.#store(id, slot.state, code.queued);
  }

  /**
   * Records that the ping was written.
   *
   * @param ahead how many bytes at most, written before it, may still be on their way; `undefined` when unknown
   */
  pingSent(id: number, nowMs: number, ahead?: number): void {
    this.#store(id, slot.sentAt, nowMs);
    this.#store(id, slot.sentSince, 0);
    this.#store(id, slot.ahead, ahead === undefined ? -1 : Math.min(ahead, largest));
    this.#store(id, slot.state, code.sent);
  }

  pingConcluded(id: number): void {
    this.#store(id, slot.state, code.concluded);
  }

  /** Records when the last byte came; `undefined` when the target does not know. */
  bytesReceived(id: number, atMs: number | undefined): void {
    this.#store(id, slot.receivedAt, atMs ?? 0);
  }

  /**
   * Records how many bytes at most have been handed to the system after the ping. Negative while the ping itself has not
   * been: then this many bytes, up to its end, are still held back.
   */
  bytesSentSince(id: number, bytes: number): void {
    this.#store(id, slot.sentSince, Math.max(-largest, Math.min(bytes, largest)));
  }

  /** What {@link bytesSentSince} recorded; 0 when the target does not know. */
  sentSince(id: number): number {
    return this.#load(id, slot.sentSince);
  }

  /**
   * Records the connection of a target.
   *
   * @param ports its ends; `undefined` when it has none, such as a unix domain socket
   * @param generation by which the target tells it from its others
   */
  connectedBy(id: number, ports: SocketPorts | undefined, generation: number): void {
    this.#store(id, slot.generation, generation);
    this.#store(id, slot.ports, ports === undefined ? 0 : (ports.local << 16) | ports.remote);
    this.#store(id, slot.remoteAddress, ports?.remoteAddress ?? 0);
  }

  /** Whether that connection of the target was recorded, with its ports. */
  hasConnection(id: number, generation: number): boolean {
    return this.#load(id, slot.ports) !== 0 && this.#load(id, slot.generation) === toCell(generation);
  }

  ports(id: number): SocketPorts | undefined {
    const both = this.#load(id, slot.ports);
    if (both === 0) return undefined;
    return { local: both >>> 16, remote: both & 0xffff, remoteAddress: this.#load(id, slot.remoteAddress) };
  }

  generation(id: number): number {
    return this.#load(id, slot.generation);
  }

  number(id: number): number {
    return this.#load(id, slot.number);
  }

  state(id: number): BoardState {
    return states[this.#load(id, slot.state)] as BoardState;
  }

  /** How many bytes at most were on their way when the ping was written; `undefined` when unknown. */
  ahead(id: number): number | undefined {
    const ahead = this.#load(id, slot.ahead);
    return ahead < 0 ? undefined : ahead;
  }

  /** How long ago the ping began to wait, in milliseconds. */
  startedAgo(id: number, nowMs: number): number {
    return elapsed(this.#load(id, slot.startedAt), nowMs);
  }

  /** How long ago the ping was sent, in milliseconds. */
  sentAgo(id: number, nowMs: number): number {
    return elapsed(this.#load(id, slot.sentAt), nowMs);
  }

  /** How long ago the last byte came, in milliseconds; `Infinity` when the target does not know. */
  receivedAgo(id: number, nowMs: number): number {
    const receivedAt = this.#load(id, slot.receivedAt);
    if (receivedAt === 0) return Infinity;
    const agoMs = elapsed(receivedAt, nowMs);
    // Slightly negative: the other thread's clock is ahead. Very negative: it is so long ago that the difference has wrapped.
    return agoMs < -wrapMs ? Infinity : agoMs;
  }

  #load(id: number, field: number): number {
    // Before the view is used: this may renew it.
    const index = this.#index(id, field);
    return Atomics.load(this.#cells, index);
  }

  #store(id: number, field: number, value: number): void {
    const index = this.#index(id, field);
    Atomics.store(this.#cells, index, toCell(value));
  }

  #index(id: number, field: number): number {
    const index = id * slot.length + field;
    // The buffer was grown, by this thread or the other.
    if (index >= this.#cells.length) this.#cells = cellsOf(this.buffer);
    return index;
  }
}

const toCell = (value: number) => Math.floor(value) | 0;

const wrapMs = 2 ** 30;
/** The largest number that fits into a cell. */
const largest = 2 ** 31 - 1;

/** The cells of a buffer as it is now: a view that tracks its length costs three times as much. */
export const cellsOf = (buffer: SharedArrayBuffer) =>
  new Int32Array(buffer, 0, buffer.byteLength / Int32Array.BYTES_PER_ELEMENT);

/** From a stored time to `nowMs`; correct across the wrap of 32 bits. */
const elapsed = (storedMs: number, nowMs: number) => (toCell(nowMs) - storedMs) | 0;
