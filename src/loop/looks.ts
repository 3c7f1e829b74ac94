import type { Clock } from '../async/clock.js';
import { type Delivery, deliveryOf, type ReadTcpTable } from '../tcp/diagnosis.js';
import type { Board } from '../threads/board.js';
import type { OutstandingPing } from './outstanding-ping.js';
import { leastApartMs, leastLooks, leastRestMs, SocketWatch } from './socket-watch.js';

/** Between two looks at the system's table there is this many times the duration of the first. */
const looksApart = 10;

/**
 * Looks pings up in the system's table of TCP connections, to see how far they have got.
 *
 * Rules:
 * - Reading the table takes long where there are many connections: one look serves all pings that are suspected.
 * - A look that no verdict waits for is taken only when `mayLook` allows it; a verdict never waits for that.
 * - A connection on which a ping waits behind a request is watched as a socket without pings is, and looked at as often.
 */
export class Looks {
  readonly #board: Board;
  readonly #clock: Clock;
  readonly #readTcpTable: ReadTcpTable;
  /** The connections on which pings wait, by the ids of their targets. */
  readonly #watch: SocketWatch;
  readonly #restMs: number;
  #nextMs = Number.NEGATIVE_INFINITY;
  #waitingMs = Number.NEGATIVE_INFINITY;
  /** How many looks there were at waiting pings since that started afresh. */
  #waitingLooks = 0;

  constructor(board: Board, timeoutMs: number, clock: Clock, readTcpTable: ReadTcpTable) {
    this.#board = board;
    this.#clock = clock;
    this.#readTcpTable = readTcpTable;
    this.#watch = new SocketWatch(timeoutMs, clock);
    this.#restMs = Math.max(timeoutMs, leastRestMs);
  }

  /** Whether the last look is long enough ago for one that no verdict waits for. */
  mayLook(nowMs: number): boolean {
    return nowMs >= this.#nextMs;
  }

  /** When the next look at pings that wait behind a request is due. */
  get waitingMs(): number {
    return this.#waitingMs;
  }

  /**
   * The process was stalled, and perhaps the machine: what was proven of waiting pings before is proven anew. Where there is
   * a stall between any two looks, there have to be verdicts, too.
   */
  startAfresh(): void {
    if (this.#waitingLooks < leastLooks) return;
    this.#watch.startAfresh();
    this.#waitingLooks = 0;
  }

  /** Takes one look for all of them, and returns how far each has got, by this look and earlier ones. */
  look(
    suspects: readonly OutstandingPing[],
    nowMs: number,
  ): readonly (readonly [OutstandingPing, Delivery['state']])[] {
    const waiting = suspects.filter(({ state }) => state === 'waiting');
    if (waiting.length > 0) this.#watch.begin(1 + Math.max(...waiting.map(({ id }) => id)));
    const wanted = suspects.map(({ id }) => this.#board.ports(id)).filter((ports) => ports !== undefined);
    const table = this.#readTcpTable(wanted);
    const tookMs = this.#clock.now() - nowMs;
    this.#nextMs = nowMs + looksApart * tookMs;
    const reached = suspects.map((ping) => {
      const ports = this.#board.ports(ping.id);
      const state = ports && table?.find(ports);
      if (ping.state === 'waiting') {
        ping.silentMs = 0;
        if (state !== undefined) this.#watch.see(ping.id, ping.number, state);
        return [ping, deliveryOf(state, 0).state] as const;
      }
      const delivery = deliveryOf(state, this.#board.sentSince(ping.id));
      return [ping, ping.noteDelivery(delivery, this.#board, nowMs)] as const;
    });
    if (waiting.length > 0) this.#judgeWaiting(waiting, tookMs);
    return reached;
  }

  #judgeWaiting(pings: readonly OutstandingPing[], tookMs: number): void {
    this.#waitingLooks += 1;
    const dueInMs = this.#watch.conclude((id, _number, { unansweredMs }) => {
      const ping = pings.find((ping) => ping.id === id);
      if (ping !== undefined) ping.silentMs = unansweredMs;
    });
    const apartMs = Math.max(leastApartMs, looksApart * tookMs);
    this.#waitingMs = this.#clock.now() + Math.max(apartMs, Math.min(this.#restMs, dueInMs));
  }
}
