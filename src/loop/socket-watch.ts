/**
 * Which connections are dead, by what the kernel's table showed of them.
 *
 * Rules:
 * - A connection is dead when two looks in a row show that nothing has been acknowledged for the timeout, although bytes
 *   were sent again, or at least two keep-alive probes were sent, or three window probes. Silence and age prove nothing, nor does a closed window.
 * - What counts is time that the kernel vouches for. The time between two looks counts if the kernel's counters take longer
 *   than that to come about: then there was no acknowledgement between them.
 * - While bytes of the peer are unread there is no verdict: they may be the whole reply, and its reader a slow one.
 * - A connection that a look does not show proves nothing, and keeps what was proven of it. One that is shown twice may be two.
 * - A slot that another socket has taken begins anew. Each socket is found dead once.
 *
 * The state of a slot is numbers in arrays: there may be ten thousand.
 */
import type { Clock } from '../async/clock.js';
import type { TcpState } from '../tcp/diagnosis.js';
import { TcpStates, TcpTimers } from '../tcp/tcp-rows.js';
import type { SocketDeath } from '../threads/contract.js';
import {
  answerOverdueInMs,
  isEnough,
  isProbing,
  isResending,
  sinceAcknowledgedMs,
  unansweredMs,
  usualLeastTimeoutMs,
} from './socket-evidence.js';

export type ConcludeSocket = (slot: number, sequence: number, death: SocketDeath) => void;

/** Looks with evidence that a verdict takes. */
export const leastLooks = 2;
/** The least time between two looks: in it a packet goes back and forth. */
export const leastApartMs = 250;
/** The least time between two looks without evidence, however short the timeout is. */
export const leastRestMs = 500;
/** In place of the number of looks, once the verdict is out. */
const concluded = 255;
/** The kernel's times are in hundredths of a second, and its timers a little late. */
const timerSlackMs = 30;

/** Whether something may be acknowledged in a state of a connection. */
const isOpen = Uint8Array.from({ length: 256 }, (_, state) =>
  Object.values<number>(TcpStates).includes(state) ? 1 : 0,
);

export class SocketWatch {
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  #sequences = new Uint32Array();
  /** How many looks in a row have seen that nothing is acknowledged; or {@link concluded}. */
  #looks = new Uint8Array();
  /** When the last of them began, and when it had ended: its row is from some time between. */
  #beganMs = new Float64Array();
  #endedMs = new Float64Array();
  /** For how long nothing has been acknowledged. */
  #unansweredMs = new Float64Array();
  /** In how many milliseconds the verdict may be there, if nothing is acknowledged until then. */
  #dueInMs = new Float64Array();
  #isEnough = new Uint8Array();
  /** What its retransmission timeout has not been seen below; with several retransmissions it says little. */
  #leastTimeoutMs = new Uint8Array();
  #unacknowledgedBytes = new Uint32Array();
  #retransmits = new Uint32Array();
  #unansweredProbes = new Uint32Array();
  /** The last look that has shown it, and how many rows it had for it. */
  #lookNumbers = new Uint32Array();
  #rows = new Uint8Array();
  /** Those that this look shows evidence against. */
  #suspects = new Uint32Array();
  #suspectCount = 0;
  #lookNumber = 0;
  #shown = 0;
  #startMs = 0;

  constructor(timeoutMs: number, clock: Clock) {
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
  }

  /** How many sockets the look has shown. */
  get shown(): number {
    return this.#shown;
  }

  /** A look begins, at slots below `size`. */
  begin(size: number): void {
    if (size > this.#looks.length) this.#grow(Math.max(64, 2 * size));
    this.#lookNumber = (this.#lookNumber + 1) >>> 0;
    this.#suspectCount = 0;
    this.#shown = 0;
    this.#startMs = this.#clock.now();
  }

  /** The look has found the connection of this slot. */
  see(slot: number, sequence: number, row: TcpState): void {
    if (this.#sequences[slot] !== sequence) {
      this.#sequences[slot] = sequence;
      this.#looks[slot] = 0;
      this.#leastTimeoutMs[slot] = usualLeastTimeoutMs;
    }
    if (this.#lookNumbers[slot] === this.#lookNumber) {
      this.#rows[slot] = 2;
      this.#forget(slot);
      return;
    }
    this.#lookNumbers[slot] = this.#lookNumber;
    this.#rows[slot] = 1;
    this.#shown += 1;
    if (isOpen[row.state] === 0) {
      this.#forget(slot);
      return;
    }
    const leastTimeoutMs = this.#leastTimeoutMs[slot] as number;
    this.#leastTimeoutMs[slot] = Math.min(leastTimeoutMs, row.retransmissionTimeoutMs);
    // What this process has not read yet would be lost with the socket.
    if (row.unreadBytes > 0 || (!isResending(row) && !isProbing(row))) {
      this.#forget(slot);
      return;
    }
    if (this.#looks[slot] === concluded) return;
    this.#note(slot, row);
    this.#suspects[this.#suspectCount] = slot;
    this.#suspectCount += 1;
  }

  /**
   * The look is over: reports the dead.
   *
   * @returns in how many milliseconds the next one is due; `Infinity` without evidence against any socket
   */
  conclude(conclude: ConcludeSocket): number {
    const endMs = this.#clock.now();
    let dueInMs = Infinity;
    for (let index = 0; index < this.#suspectCount; index++) {
      const slot = this.#suspects[index] as number;
      if (this.#rows[slot] !== 1) continue;
      this.#endedMs[slot] = endMs;
      if (!this.#isDead(slot)) {
        dueInMs = Math.min(dueInMs, this.#dueInMs[slot] as number);
        continue;
      }
      this.#looks[slot] = concluded;
      conclude(slot, this.#sequences[slot] as number, this.#deathOf(slot));
    }
    return dueInMs;
  }

  /** This process, and perhaps the machine, has stood still: what was proven before is proven anew. */
  startAfresh(): void {
    for (let slot = 0; slot < this.#looks.length; slot++) this.#forget(slot);
  }

  #forget(slot: number): void {
    if (this.#looks[slot] !== concluded) this.#looks[slot] = 0;
  }

  #isDead(slot: number): boolean {
    return (
      (this.#looks[slot] as number) >= leastLooks &&
      this.#isEnough[slot] === 1 &&
      (this.#unansweredMs[slot] as number) >= this.#timeoutMs
    );
  }

  #note(slot: number, row: TcpState): void {
    const goesOn = this.#goesOn(slot, row);
    const betweenMs = this.#startMs - (this.#endedMs[slot] as number);
    const provenMs = Math.max(
      goesOn ? (this.#unansweredMs[slot] as number) + betweenMs : 0,
      unansweredMs(row, this.#leastTimeoutMs[slot] as number),
    );
    this.#looks[slot] = goesOn ? Math.min((this.#looks[slot] as number) + 1, leastLooks) : 1;
    this.#beganMs[slot] = this.#startMs;
    this.#unansweredMs[slot] = provenMs;
    this.#isEnough[slot] = isEnough(row) ? 1 : 0;
    this.#unacknowledgedBytes[slot] = row.unacknowledgedBytes;
    this.#retransmits[slot] = isResending(row) ? row.retransmits : 0;
    this.#unansweredProbes[slot] = row.unansweredProbes;
    const missingMs = Math.max(0, this.#timeoutMs - provenMs);
    this.#dueInMs[slot] = dueInMs(row, missingMs, this.#leastTimeoutMs[slot] as number);
  }

  /** Whether nothing can have been acknowledged since the last look. */
  #goesOn(slot: number, row: TcpState): boolean {
    if (this.#looks[slot] === 0) return false;
    const sinceLookMs = this.#clock.now() - (this.#beganMs[slot] as number);
    return (
      row.unacknowledgedBytes >= (this.#unacknowledgedBytes[slot] as number) &&
      row.retransmits >= (this.#retransmits[slot] as number) &&
      row.unansweredProbes >= (this.#unansweredProbes[slot] as number) &&
      sinceAcknowledgedMs(row, this.#leastTimeoutMs[slot] as number) >= sinceLookMs
    );
  }

  #deathOf(slot: number): SocketDeath {
    const retransmits = this.#retransmits[slot] as number;
    return {
      diagnosis: 'path-or-host-gone',
      unansweredMs: Math.round(this.#unansweredMs[slot] as number),
      by: retransmits > 0 ? 'retransmits' : 'probes',
      count: retransmits > 0 ? retransmits : (this.#unansweredProbes[slot] as number),
      unacknowledgedBytes: this.#unacknowledgedBytes[slot] as number,
    };
  }

  #grow(capacity: number): void {
    const grown = <T extends { set(from: T): void }>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.#sequences = grown(this.#sequences, new Uint32Array(capacity));
    this.#looks = grown(this.#looks, new Uint8Array(capacity));
    this.#beganMs = grown(this.#beganMs, new Float64Array(capacity));
    this.#endedMs = grown(this.#endedMs, new Float64Array(capacity));
    this.#unansweredMs = grown(this.#unansweredMs, new Float64Array(capacity));
    this.#dueInMs = grown(this.#dueInMs, new Float64Array(capacity));
    this.#leastTimeoutMs = grown(this.#leastTimeoutMs, new Uint8Array(capacity));
    this.#isEnough = grown(this.#isEnough, new Uint8Array(capacity));
    this.#unacknowledgedBytes = grown(this.#unacknowledgedBytes, new Uint32Array(capacity));
    this.#retransmits = grown(this.#retransmits, new Uint32Array(capacity));
    this.#unansweredProbes = grown(this.#unansweredProbes, new Uint32Array(capacity));
    this.#lookNumbers = grown(this.#lookNumbers, new Uint32Array(capacity));
    this.#rows = grown(this.#rows, new Uint8Array(capacity));
    this.#suspects = new Uint32Array(capacity);
  }
}

/** In how many milliseconds to look again at a connection that has to be silent for `missingMs` longer. */
function dueInMs(row: TcpState, missingMs: number, leastTimeoutMs: number): number {
  // Where timeouts do not double the kernel's account is short, so the looks themselves have to show that nothing is
  // acknowledged.
  if (isResending(row) && row.retransmits * leastTimeoutMs > row.retransmissionTimeoutMs)
    return Math.min(missingMs, sinceAcknowledgedMs(row, leastTimeoutMs));
  if (row.timer === TcpTimers.windowProbe)
    return Math.min(missingMs, sinceAcknowledgedMs(row, leastTimeoutMs) / 2);
  if (isEnough(row) || row.timer !== TcpTimers.keepAlive) return missingMs;
  const overdueInMs = answerOverdueInMs(row);
  return Math.max(missingMs, Math.min(row.timerMs, overdueInMs > 0 ? overdueInMs : Infinity) + timerSlackMs);
}
