/**
 * The rows of `/proc/net/tcp` and `/proc/net/tcp6` (Linux, `net/ipv4/tcp_ipv4.c: get_tcp4_sock`):
 *
 * ```
 *   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer rto …
 *    1: 020000C0:C350 010000C0:1FA4 01 00000020:00000000 01:00000093 00000004     0        0 1777 3 00000000cafe0001 163 …
 * ```
 *
 * On a host with many connections nearly all rows are somebody else's, so a row is taken apart only if its local port is
 * wanted, and in place: there is no string and no object for a row.
 */
import { endianness } from 'node:os';

/** The tables of this process's network namespace. A socket of either kind may be connected to an IPv4 address. */
export const tcpTables = { ipv4: '/proc/self/net/tcp', ipv6: '/proc/self/net/tcp6' } as const;
export type TableName = keyof typeof tcpTables;

/** `st` of a connection. */
export const TcpStates = {
  established: 1,
  finWait1: 4,
  finWait2: 5,
  closeWait: 8,
} as const;

/** `tr`: what the connection's timer is for. */
export const TcpTimers = {
  /** To send again what is not acknowledged. */
  retransmission: 1,
  /** A keep-alive probe. */
  keepAlive: 2,
  /**
   * To ask the peer's host for room: that has none, because its process does not read, or it does not answer, because no packet
   * can leave this host.
   */
  windowProbe: 4,
} as const;

/** One row. There is one of these for a whole table: a visitor copies what it keeps. */
export class TcpRow {
  localPort = 0;
  remotePort = 0;
  /** As the words of an IPv6 address, the highest first; an IPv4 address is mapped to one. */
  readonly remoteAddress: Uint32Array = new Uint32Array(4);
  state = 0;
  unacknowledgedBytes = 0;
  /** Received, and not read by this process. */
  unreadBytes = 0;
  timer = 0;
  /** In how many milliseconds the timer fires. */
  timerMs = 0;
  /** How often in a row the first unacknowledged bytes were sent again; an acknowledgement sets it back to 0. */
  retransmits = 0;
  /** How many probes in a row were not answered, keep-alive or window probes; any acknowledgement sets it back to 0. */
  unansweredProbes = 0;
  /** After how many milliseconds without an acknowledgement the kernel sends again; it doubles each time. */
  retransmissionTimeoutMs = 0;
}

/** Which local ports are wanted: not 0 at their index. */
export type WantedPorts = Uint8Array;
export const portCount = 0x10000;

export type VisitRow = (row: TcpRow) => void;

const lineFeed = 10;
const space = 32;
const colon = 58;
/** Two rows together are longer than this, so what ends within it after the beginning of one is that one. */
const longestStride = 255;
/** The unit of the times, `USER_HZ`. */
const tickMs = 10;
const swapsBytes = endianness() === 'LE';

/** The value of a hexadecimal digit by its character; 255 for any other. */
const digits = Uint8Array.from({ length: 256 }, (_, code) => {
  const value = Number.parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(value) ? 255 : value;
});

export class TcpRowParser {
  readonly #row = new TcpRow();
  #bytes: Uint8Array = new Uint8Array();
  #at = 0;
  /** Whether all so far was where the format has it. */
  #isSound = true;

  /**
   * Visits the wanted rows among whole lines. What is not a row of a connection is passed over.
   *
   * @returns where the last line begins that has no end
   */
  parse(bytes: Uint8Array, length: number, wanted: WantedPorts, visit: VisitRow): number {
    this.#bytes = bytes;
    let start = 0;
    let stride = 0;
    for (;;) {
      // Nearly all rows of a table are of one length.
      let end = start + stride;
      if (stride === 0 || end > length || bytes[end - 1] !== lineFeed) {
        end = start;
        while (end < length && bytes[end] !== lineFeed) end += 1;
        if (end === length) return start;
        end += 1;
        stride = end - start <= longestStride ? end - start : 0;
      }
      if (this.#findLocalPort(start, end) && wanted[this.#row.localPort] !== 0 && this.#parseRest()) {
        visit(this.#row);
      }
      start = end;
    }
  }

  #findLocalPort(start: number, end: number): boolean {
    const bytes = this.#bytes;
    let at = start;
    while (at < end && bytes[at] !== colon) at += 1;
    // After `: ` an IPv4 or IPv6 address.
    at += 10;
    if (bytes[at] !== colon) at += 24;
    if (at + 4 >= end || bytes[at] !== colon) return false;
    this.#at = at + 1;
    this.#isSound = true;
    this.#row.localPort = this.#hex(4);
    return this.#isSound;
  }

  #parseRest(): boolean {
    const row = this.#row;
    this.#skip(space);
    this.#parseAddress(row.remoteAddress);
    this.#skip(colon);
    row.remotePort = this.#hex(4);
    this.#skip(space);
    row.state = this.#hex(2);
    this.#skip(space);
    row.unacknowledgedBytes = this.#hex(8);
    this.#skip(colon);
    row.unreadBytes = this.#hex(8);
    this.#skip(space);
    row.timer = this.#hex(2);
    this.#skip(colon);
    row.timerMs = this.#hex(8) * tickMs;
    this.#skip(space);
    row.retransmits = this.#hex(8);
    // From here on nothing leads beyond the end of the line.
    if (!this.#isSound) return false;
    this.#skipField();
    row.unansweredProbes = this.#decimal();
    this.#skipField();
    this.#skipField();
    this.#skipField();
    // A connection that is being closed has no such field.
    row.retransmissionTimeoutMs = this.#decimal() * tickMs;
    return true;
  }

  /** IPv4 or IPv6, each word as a number of this machine in the order of the network's bytes. */
  #parseAddress(words: Uint32Array): void {
    const first = this.#addressWord();
    if (this.#bytes[this.#at] === colon) {
      words[0] = 0;
      words[1] = 0;
      words[2] = 0xffff;
      words[3] = first;
      return;
    }
    words[0] = first;
    for (let word = 1; word < 4; word++) words[word] = this.#addressWord();
  }

  #addressWord(): number {
    const word = this.#hex(8);
    if (!swapsBytes) return word;
    return ((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
  }

  #hex(length: number): number {
    let value = 0;
    for (const end = this.#at + length; this.#at < end; this.#at += 1) {
      const digit = digits[this.#bytes[this.#at] as number] as number;
      if (digit > 15) this.#isSound = false;
      value = value * 16 + digit;
    }
    return value;
  }

  #decimal(): number {
    this.#skipSpaces();
    let value = 0;
    for (;;) {
      const digit = digits[this.#bytes[this.#at] as number] as number;
      if (digit > 9) return value;
      value = value * 10 + digit;
      this.#at += 1;
    }
  }

  #skip(separator: number): void {
    if (this.#bytes[this.#at] !== separator) this.#isSound = false;
    this.#at += 1;
  }

  #skipField(): void {
    this.#skipSpaces();
    while ((this.#bytes[this.#at] as number) > space) this.#at += 1;
  }

  #skipSpaces(): void {
    while (this.#bytes[this.#at] === space) this.#at += 1;
  }
}
