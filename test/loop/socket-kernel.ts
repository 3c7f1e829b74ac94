import type { WatchedSockets } from '#src/loop/socket-index.js';
import type { TableFailure } from '#src/tcp/diagnosis.js';
import type { ReadTable } from '#src/tcp/proc-net-tcp.js';
import { type TableName, TcpRow, TcpStates, TcpTimers } from '#src/tcp/tcp-rows.js';
import type { SocketDeath, SocketHost } from '#src/threads/contract.js';
import type { ManualClock } from './manual-clock.js';

const leastTimeoutMs = 200;
const mostTimeoutMs = 120_000;
const probeIntervalMs = 1000;
/** The kernel gives times in hundredths of a second. */
const ticks = (ms: number) => Math.floor(ms / 10) * 10;

export interface Path {
  readonly roundTripMs: number;
  /** The kernel's timers are late by up to this fraction. */
  readonly lateness: number;
  /** Routers say that there is no way, so that the kernel does not double its timeout. */
  readonly saysUnreachable: boolean;
}

/** A connection as the kernel keeps it, in simulated time: retransmissions, keep-alive and window probes. */
export class SimulatedConnection {
  readonly localPort: number;
  readonly path: Path;
  remoteAddress: readonly [number, number, number, number] = [0, 0, 0xffff, 0x0a000001];
  /** Whether packets arrive, in both directions. */
  isUp = true;
  /** Whether packets leave this host: not without a link or a route. */
  canLeave = true;
  state: number = TcpStates.established;
  isWindowClosed = false;
  retransmits = 0;
  unansweredProbes = 0;
  /** When the first retransmission or unanswered probe was sent since the last acknowledgement. */
  unansweredSinceMs: number | undefined;

  readonly #probeDelayMs: number;
  #nowMs: number;
  #written = 0;
  #acknowledged = 0;
  #timeoutMs: number;
  #resendAtMs = Infinity;
  /** When to ask for room, while bytes wait that could not be sent; and how often the time until then was doubled. */
  #askAtMs = Infinity;
  #doublings = 0;
  #probeAtMs: number;
  #heardMs: number;
  /** Acknowledgements on their way. */
  #arriving: { readonly atMs: number; readonly upTo: number }[] = [];

  constructor(localPort: number, probeDelayMs: number, path: Path, nowMs: number) {
    this.localPort = localPort;
    this.path = path;
    this.#probeDelayMs = probeDelayMs;
    this.#nowMs = nowMs;
    this.#heardMs = nowMs;
    this.#timeoutMs = this.#leastTimeoutMs;
    this.#probeAtMs = nowMs + this.#late(probeDelayMs);
  }

  /** Whether bytes wait for room in the peer, or for a way out of this host. */
  get isAsking(): boolean {
    return this.#askAtMs !== Infinity;
  }

  get unacknowledgedBytes(): number {
    return this.#written - this.#acknowledged;
  }

  /** What happens up to a moment. */
  advance(toMs: number): void {
    for (;;) {
      const arrival = this.#arriving[0]?.atMs ?? Infinity;
      const atMs = Math.min(arrival, this.#resendAtMs, this.#askAtMs, this.#probeAtMs);
      if (atMs > toMs) break;
      this.#nowMs = Math.max(this.#nowMs, atMs);
      if (atMs === arrival) this.#arrive();
      else if (atMs === this.#resendAtMs) this.#resend();
      else if (atMs === this.#askAtMs) this.#ask();
      else this.#probe();
    }
    this.#nowMs = toMs;
  }

  write(bytes: number): void {
    const isIdle = this.unacknowledgedBytes === 0;
    this.#written += bytes;
    if (this.isAsking || this.retransmits > 0) return;
    if (isIdle && (this.isWindowClosed || !this.canLeave)) {
      this.#askAtMs = this.#nowMs + this.#late(this.#timeoutMs);
      return;
    }
    this.#send();
    if (isIdle) this.#resendAtMs = this.#nowMs + this.#late(this.#timeoutMs);
  }

  closeWindow(): void {
    if (this.unacknowledgedBytes > 0) return;
    this.isWindowClosed = true;
  }

  openWindow(): void {
    if (!this.isWindowClosed) return;
    this.isWindowClosed = false;
    if (this.isAsking && this.canLeave) this.#sendWaiting();
  }

  /** The machine was away and its clock was not: what was on the wire is lost, what was due is due at once. */
  jump(toMs: number): void {
    this.#arriving = [];
    this.#resendAtMs = Math.max(this.#resendAtMs, toMs);
    this.#askAtMs = Math.max(this.#askAtMs, toMs);
    this.#probeAtMs = Math.max(this.#probeAtMs, toMs);
    this.#nowMs = toMs;
  }

  /** The machine was away, and its clocks stood still: what was on the wire is lost. */
  suspend(): void {
    this.#arriving = [];
  }

  writeRow(row: TcpRow): void {
    row.localPort = this.localPort;
    row.remotePort = 9;
    row.remoteAddress.set(this.remoteAddress);
    row.state = this.state;
    row.unacknowledgedBytes = this.unacknowledgedBytes;
    row.retransmits = this.retransmits;
    row.unansweredProbes = this.unansweredProbes;
    row.retransmissionTimeoutMs = ticks(this.#timeoutMs);
    if (this.isAsking) {
      row.timer = TcpTimers.windowProbe;
      row.timerMs = ticks(this.#askAtMs - this.#nowMs);
    } else if (this.#resendAtMs !== Infinity) {
      row.timer = TcpTimers.retransmission;
      row.timerMs = ticks(this.#resendAtMs - this.#nowMs);
    } else {
      row.timer = TcpTimers.keepAlive;
      row.timerMs = ticks(this.#probeAtMs - this.#nowMs);
    }
  }

  get #leastTimeoutMs(): number {
    return leastTimeoutMs + this.path.roundTripMs;
  }

  #late(ms: number): number {
    return ms * (1 + this.path.lateness);
  }

  #send(upTo = this.#written): void {
    if (!this.isUp) return;
    this.#arriving.push({ atMs: this.#nowMs + this.path.roundTripMs, upTo });
  }

  #arrive(): void {
    const { upTo } = this.#arriving.shift() as { upTo: number };
    if (!this.isUp) return;
    this.#heardMs = this.#nowMs;
    this.unansweredProbes = 0;
    if (upTo > this.#acknowledged) {
      this.#acknowledged = upTo;
      this.retransmits = 0;
      this.#timeoutMs = this.#leastTimeoutMs;
      this.#resendAtMs = Infinity;
      if (this.unacknowledgedBytes > 0) {
        this.#send();
        this.#resendAtMs = this.#nowMs + this.#late(this.#timeoutMs);
      }
    } else if (this.isAsking) this.#askAtMs = this.#nextAskMs();
    if (this.retransmits === 0) this.unansweredSinceMs = undefined;
  }

  #resend(): void {
    this.unansweredSinceMs ??= this.#nowMs;
    this.retransmits += 1;
    if (!this.path.saysUnreachable) this.#timeoutMs = Math.min(2 * this.#timeoutMs, mostTimeoutMs);
    this.#resendAtMs = this.#nowMs + this.#late(this.#timeoutMs);
    this.#send();
  }

  /** A window probe; or the bytes that wait, once they can be sent. */
  #ask(): void {
    if (!this.isWindowClosed && this.canLeave) {
      this.#sendWaiting();
      return;
    }
    this.unansweredSinceMs ??= this.#nowMs;
    this.unansweredProbes += 1;
    this.#doublings += 1;
    this.#askAtMs = this.#nextAskMs();
    if (this.canLeave) this.#send(this.#acknowledged);
  }

  #nextAskMs(): number {
    return this.#nowMs + this.#late(Math.min(this.#timeoutMs * 2 ** this.#doublings, mostTimeoutMs));
  }

  #sendWaiting(): void {
    this.#askAtMs = Infinity;
    this.#doublings = 0;
    this.unansweredProbes = 0;
    this.unansweredSinceMs = undefined;
    this.#send();
    this.#resendAtMs = this.#nowMs + this.#late(this.#timeoutMs);
  }

  #probe(): void {
    const idleMs = this.#nowMs - this.#heardMs;
    if (this.unacknowledgedBytes > 0) this.#probeAtMs = this.#nowMs + this.#late(this.#probeDelayMs);
    else if (idleMs < this.#probeDelayMs)
      this.#probeAtMs = this.#nowMs + this.#late(this.#probeDelayMs - idleMs);
    else {
      this.unansweredSinceMs ??= this.#nowMs;
      this.unansweredProbes += 1;
      this.#probeAtMs = this.#nowMs + this.#late(probeIntervalMs);
      this.#send();
    }
  }
}

interface Conclusion {
  readonly connection: SimulatedConnection;
  readonly atMs: number;
  readonly death: SocketDeath;
}

/** A kernel with connections, and the main thread's slots for some of them. */
export class SimulatedKernel implements WatchedSockets, SocketHost {
  readonly deaths: Conclusion[] = [];
  readonly failures: (TableFailure | undefined)[] = [];
  readonly panics: Error[] = [];
  /** What was read, look by look. */
  readonly readings: string[] = [];
  /** Why a table cannot be read. */
  readonly failing: { [table in TableName]?: TableFailure } = {};
  /** Of the connections at these local ports the table shows no row. */
  readonly passedOver = new Set<number>();
  /** Rows that are not of a watched socket. */
  readonly others: SimulatedConnection[] = [];
  onConclude: (conclusion: Conclusion) => void = () => {};

  version = 0;
  readonly #clock: ManualClock;
  readonly #slots: (SimulatedConnection | undefined)[] = [];
  readonly #sequences: number[] = [];
  readonly #row = new TcpRow();

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  get connections(): SimulatedConnection[] {
    return this.#slots.filter((connection) => connection !== undefined);
  }

  /** Puts a connection into the first slot that is free. */
  add(connection: SimulatedConnection): number {
    const free = this.#slots.indexOf(undefined);
    const slot = free === -1 ? this.#slots.length : free;
    this.#slots[slot] = connection;
    this.#sequences[slot] = (this.#sequences[slot] ?? 0) + 1;
    this.version += 1;
    return slot;
  }

  remove(connection: SimulatedConnection): void {
    this.#slots[this.#slots.indexOf(connection)] = undefined;
    this.version += 1;
  }

  get count(): number {
    return this.connections.length;
  }

  get size(): number {
    return this.#slots.length;
  }

  sequence(slot: number): number {
    return this.#slots[slot] === undefined ? 0 : (this.#sequences[slot] as number);
  }

  localPort(slot: number): number {
    return (this.#slots[slot] as SimulatedConnection).localPort;
  }

  remotePort(): number {
    return 9;
  }

  remoteAddressWord(slot: number, word: number): number {
    return (this.#slots[slot] as SimulatedConnection).remoteAddress[word] as number;
  }

  readonly readTable: ReadTable = (table, wanted, visit) => {
    this.readings.push(table);
    const failure = this.failing[table];
    if (failure !== undefined) return failure;
    for (const connection of [...this.connections, ...this.others]) {
      const isIpv4 = connection.remoteAddress[2] === 0xffff;
      if (isIpv4 !== (table === 'ipv4')) continue;
      if (wanted[connection.localPort] === 0 || this.passedOver.has(connection.localPort)) continue;
      connection.advance(this.#clock.now());
      connection.writeRow(this.#row);
      visit(this.#row);
    }
    return undefined;
  };

  concludeSocket(slot: number, sequence: number, death: SocketDeath): void {
    const connection = this.#slots[slot];
    if (connection === undefined || this.#sequences[slot] !== sequence) return;
    const conclusion = { connection, atMs: this.#clock.now(), death };
    this.deaths.push(conclusion);
    this.onConclude(conclusion);
  }

  tableFailed(failure: TableFailure | undefined): void {
    this.failures.push(failure);
  }

  panicked(error: Error): void {
    this.panics.push(error);
  }
}
