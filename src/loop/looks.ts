import type { Clock } from '../async/clock.js';
import { type Delivery, deliveryOf, diagnose, type ReadTcpTable } from '../tcp/diagnosis.js';
import type { Board } from '../threads/board.js';
import type { OutstandingPing } from './outstanding-ping.js';
import type { Stalls } from './stalls.js';

/** Looks at the system's table leave this many times their own duration between them. */
const looksApart = 10;

/** Looks at the system's table of connections: how far pings have got. They take long where there are many connections. */
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

  /** Whether a look that no verdict waits for may be taken. */
  mayLook(nowMs: number): boolean {
    return nowMs >= this.#nextMs;
  }

  /** One look for all of them: what each has come to, by this look and those before. */
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
