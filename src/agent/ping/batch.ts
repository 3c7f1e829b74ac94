import type { Board } from '../../threads/board.js';
import { Ping, type PingObserver, type PingOutcome } from './ping.js';
import type { Member } from './target-state.js';

/** Pings that are begun in one go, and share a place among those in flight. */
export class Batch implements PingObserver<Member> {
  readonly #observer: PingObserver<Member>;
  readonly #pings: Ping<Member>[] = [];
  #outCount = 0;
  #whenOver = () => {};

  /** @param observer of each of its pings */
  constructor(observer: PingObserver<Member>) {
    this.#observer = observer;
  }

  /** Whether none of its pings is out. */
  get isOver(): boolean {
    return this.#outCount === 0;
  }

  /** Those of its pings that are out. One may end while they are gone through. */
  *out(): Generator<Ping<Member>, void> {
    for (const ping of this.#pings) if (!ping.ended) yield ping;
  }

  /** One more ping, which is to be started. */
  add(member: Member, board: Board): Ping<Member> {
    const ping = new Ping(member, board, this);
    this.#pings.push(ping);
    this.#outCount += 1;
    return ping;
  }

  /** Calls `whenOver` when the last of its pings has ended. */
  onceOver(whenOver: () => void): void {
    this.#whenOver = whenOver;
  }

  /** @internal */
  lockFailed(ping: Ping<Member>, error: unknown): void {
    this.#observer.lockFailed(ping, error);
  }

  /** @internal */
  ended(ping: Ping<Member>, outcome: PingOutcome): void {
    this.#observer.ended(ping, outcome);
    this.#outCount -= 1;
    if (this.isOver) this.#whenOver();
  }
}
