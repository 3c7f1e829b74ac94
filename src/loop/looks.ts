import type { Clock } from '../async/clock.js';
import { type Delivery, deliveryOf, diagnose, type ReadTcpTable } from '../tcp/diagnosis.js';
import type { Board } from '../threads/board.js';
import type { OutstandingPing } from './outstanding-ping.js';
import type { Stalls } from './stalls.js';

/** Between two looks at the system's table there is this many times the duration of the first. */
const looksApart = 10;

/**
 * Looks pings up in the system's table of TCP connections, to see how far they have got.
 *
 * Rules:
 * - Reading the table takes long where there are many connections: one look serves all pings that are suspected.
 * - A look that no verdict waits for is taken only when `mayLook` allows it; a verdict never waits for that.
 */
export class Looks {
  readonly #board: Board;
  readonly #clock: Clock;
  readonly #readTcpTable: ReadTcpTable;
  #nextMs = Number.NEGATIVE_INFINITY;

  constructor(board: Board, clock: Clock, readTcpTable: ReadTcpTable) {
    this.#board = board;
    this.#clock = clock;
    this.#readTcpTable = readTcpTable;
  }

  /** Whether the last look is long enough ago for one that no verdict waits for. */
  mayLook(nowMs: number): boolean {
    return nowMs >= this.#nextMs;
  }

  /** Takes one look for all of them, and returns how far each has got, by this look and earlier ones. */
  look(
    suspects: readonly OutstandingPing[],
    nowMs: number,
    stalls: Stalls,
  ): readonly (readonly [OutstandingPing, Delivery['state']])[] {
    const wanted = suspects.map(({ id }) => this.#board.ports(id)).filter((ports) => ports !== undefined);
    const table = this.#readTcpTable(wanted);
    this.#nextMs = nowMs + looksApart * (this.#clock.now() - nowMs);
    return suspects.map((ping) => {
      const ports = this.#board.ports(ping.id);
      const state = ports && table?.find(ports);
      if (ping.state === 'waiting') {
        const { state: reached } = deliveryOf(state, 0);
        ping.noteUnanswered(diagnose(reached) === 'path-or-host-gone', nowMs, stalls);
        return [ping, reached] as const;
      }
      const delivery = deliveryOf(state, this.#board.sentSince(ping.id));
      return [ping, ping.noteDelivery(delivery, this.#board, nowMs)] as const;
    });
  }
}
