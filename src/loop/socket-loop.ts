/**
 * Watches sockets by the kernel's table of connections alone: when to look, and what to make of it.
 *
 * Rules:
 * - While nothing is watched nothing wakes it. While something is, it looks once in a timeout, and where there is evidence,
 *   when a verdict may be due. The kernel's account goes back, so evidence that is as old as the timeout when it is first
 *   seen needs one look more.
 * - A look costs the kernel time that grows with all connections of the network namespace, so looks keep their distance. What
 *   counts is the time of the processor: on a busy machine a look may last for seconds and cost a fraction, and a pause
 *   of ten times as long would break the bounds.
 * - A table that cannot be read, or is not of this process, is reported once, and tried again: the reason may go away.
 */
import type { Clock } from '../async/clock.js';
import type { TableFailure } from '../tcp/diagnosis.js';
import type { ReadTable } from '../tcp/proc-net-tcp.js';
import { type TableName, type TcpRow, tcpTables } from '../tcp/tcp-rows.js';
import type { SocketHost } from '../threads/contract.js';
import { HostCalls } from './host-calls.js';
import { SocketIndex, type WatchedSockets } from './socket-index.js';
import { leastApartMs, leastRestMs, SocketWatch } from './socket-watch.js';
import type { Span } from './stalls.js';

export interface SocketLoopOptions {
  readonly timeoutMs: number;
  readonly sockets: WatchedSockets;
  readonly host: SocketHost;
  readonly clock: Clock;
  readonly readTable: ReadTable;
  /** The CPU time that was spent so far, by this thread and perhaps others. Default: the time that has passed. */
  readonly cpuMs?: (() => number) | undefined;
  /** A look has taken this time of the thread. */
  readonly onLooked?: (span: Span) => void;
}

/** How many times their own cost looks are apart: without evidence, and with it. */
const restsApart = 10;
const suspicionsApart = 4;
/** How many looks in a row that show no socket, with the same one among them, cannot be a coincidence, if none ever showed one. */
const blindLooks = 3;

export class SocketLoop {
  readonly #sockets: WatchedSockets;
  readonly #host: SocketHost;
  readonly #calls: HostCalls;
  readonly #clock: Clock;
  readonly #cpuMs: () => number;
  readonly #readTable: ReadTable;
  readonly #onLooked: ((span: Span) => void) | undefined;
  readonly #index = new SocketIndex();
  readonly #watch: SocketWatch;
  /** Between two looks without evidence. */
  readonly #restMs: number;
  /** A look that is later than this shows that this process did not run. */
  readonly #stallMs: number;
  #wasLate = false;
  readonly #failures: { [table in TableName]: TableFailure | undefined } = {
    ipv4: undefined,
    ipv6: undefined,
  };
  /** The one that was reported last. */
  #failure: TableFailure | undefined;
  /** How many looks in a row have found no socket in the tables; `undefined` once there was one. */
  #blindLooks: number | undefined = 0;
  /** One of the sockets that they have not found: the others may have been closed already. */
  #unseen = { slot: 0, sequence: -1 };
  #cancel: (() => void) | undefined;
  #isStopped = false;

  constructor({ timeoutMs, sockets, host, clock, cpuMs, readTable, onLooked }: SocketLoopOptions) {
    this.#sockets = sockets;
    this.#cpuMs = cpuMs ?? (() => clock.now());
    this.#host = host;
    this.#calls = new HostCalls(host);
    this.#clock = clock;
    this.#readTable = readTable;
    this.#onLooked = onLooked;
    this.#watch = new SocketWatch(timeoutMs, clock);
    this.#restMs = Math.max(timeoutMs, leastRestMs);
    this.#stallMs = Math.max(timeoutMs / 4, leastApartMs);
  }

  /** To be called when there is a socket to watch where there was none. It does nothing while the loop is looking. */
  start(): void {
    if (this.#cancel === undefined) this.#arm(this.#restMs);
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(delayMs: number): void {
    if (this.#isStopped) return;
    const dueMs = this.#clock.now() + delayMs;
    this.#cancel = this.#clock.schedule(() => {
      this.#cancel = undefined;
      this.#wake(dueMs);
    }, Math.ceil(delayMs));
  }

  #wake(dueMs: number): void {
    let nextInMs: number | undefined = this.#restMs;
    try {
      this.#noteLateness(this.#clock.now() - dueMs);
      nextInMs = this.#look();
    } catch (error) {
      this.#calls.panicked(error);
    }
    // The host may have started it meanwhile.
    if (nextInMs !== undefined && this.#cancel === undefined) this.#arm(nextInMs);
  }

  /**
   * The machine may have stood still as well, and clocks gone on. Whatever the kernel sends after that has to have time for
   * an answer, so what was seen before counts no more; but where each look is late, there have to be verdicts.
   */
  #noteLateness(lateMs: number): void {
    const isLate = lateMs > this.#stallMs;
    if (isLate && !this.#wasLate) this.#watch.startAfresh();
    this.#wasLate = isLate && !this.#wasLate;
  }

  /** Returns in how many milliseconds to look again; `undefined` while nothing is watched. */
  #look(): number | undefined {
    const startMs = this.#clock.now();
    const startCpuMs = this.#cpuMs();
    this.#index.update(this.#sockets);
    // Sockets that come and go while they are read may all be missed, and nothing announces the one that is left.
    if (this.#index.count === 0) return this.#sockets.count === 0 ? undefined : this.#restMs;
    this.#watch.begin(this.#index.size);
    this.#read();
    const endMs = this.#clock.now();
    const costMs = Math.min(endMs - startMs, this.#cpuMs() - startCpuMs);
    this.#onLooked?.({ fromMs: startMs, toMs: endMs });
    const dueInMs = this.#watch.conclude((slot, sequence, death) =>
      this.#calls.notify(() => this.#host.concludeSocket(slot, sequence, death)),
    );
    this.#noteFailure(this.#failures.ipv4 ?? this.#failures.ipv6 ?? this.#blindness());
    const restMs = Math.max(this.#restMs, restsApart * costMs);
    return Math.min(restMs, Math.max(dueInMs, leastApartMs, suspicionsApart * costMs));
  }

  /** Each table costs the same, however few rows it has. */
  #read(): void {
    this.#failures.ipv4 = this.#index.hasIpv4 ? this.#readOne('ipv4') : undefined;
    if (this.#watch.shown === this.#index.count) return;
    // It may be one that has IPv6 on the near side, or be closed by now.
    this.#failures.ipv6 = this.#readOne('ipv6');
  }

  #readOne(table: TableName): TableFailure | undefined {
    return this.#readTable(table, this.#index.wantedPorts, this.#see);
  }

  /** A table may be readable and not the one that this process's connections are in. */
  #blindness(): TableFailure | undefined {
    if (this.#watch.shown > 0) this.#blindLooks = undefined;
    if (this.#blindLooks === undefined) return undefined;
    if (this.#index.sequence(this.#unseen.slot) === this.#unseen.sequence) {
      this.#blindLooks += 1;
    } else {
      const slot = this.#index.oldestSlot;
      this.#unseen = { slot, sequence: this.#index.sequence(slot) };
      this.#blindLooks = 1;
    }
    if (this.#blindLooks < blindLooks) return undefined;
    return { path: tcpTables[this.#index.hasIpv4 ? 'ipv4' : 'ipv6'], reason: 'foreign' };
  }

  readonly #see = (row: TcpRow): void => {
    const slot = this.#index.slotOf(row);
    if (slot >= 0) this.#watch.see(slot, this.#index.sequence(slot), row);
  };

  #noteFailure(failure: TableFailure | undefined): void {
    if (failure?.reason === this.#failure?.reason && failure?.code === this.#failure?.code) return;
    this.#failure = failure;
    this.#calls.notify(() => this.#host.tableFailed(failure));
  }
}
