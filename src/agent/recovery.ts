import { attempt } from '../model/target.js';
import { Outage } from './ping/outage.js';
import type { Member } from './ping/target-state.js';
import type { Journal } from './report/reporter.js';

/** Watches that storages without a connection come back. Reconnecting is their own business. */
export class Recovery {
  readonly #journal: Journal;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** A storage has lost its connection, and is expected to get another. */
  begin(member: Member, outage: Outage): void {
    member.outage = outage;
    if (member.onConnected !== undefined) return;
    // A storage that does not tell is looked at when its next ping is due.
    this.#journal.contain(member, () => {
      if (member.storage.once === undefined) return;
      member.onConnected = () => {
        member.onConnected = undefined;
        if (member.outage !== undefined) this.#journal.contain(member, () => this.seen(member));
      };
      member.storage.once('connected', member.onConnected);
    });
  }

  /** A ping was due, and the storage was not ready. */
  stillDown(member: Member): void {
    if (member.outage === undefined) {
      const nowMs = performance.now();
      const lostAt = attempt(() => member.storage.lostAt);
      // A storage that counts by another clock would have been down for a negative time.
      const sinceMs = typeof lostAt === 'number' && lostAt <= nowMs ? lostAt : nowMs;
      this.begin(member, new Outage(sinceMs, 'unknown', undefined));
    }
    this.#journal.down(member, member.outage as Outage);
  }

  /** A storage has a connection, of which its outage ends; or it has another one than it had. */
  seen(member: Member): void {
    const { outage, generation: previous } = member;
    member.noteConnection();
    if (outage !== undefined) this.#end(member, outage);
    else if (previous !== undefined && member.generation !== previous)
      this.#journal.replaced(member, previous);
  }

  /** Nobody waits for it any more: it was removed, or the agent stopped. */
  forget(member: Member): void {
    member.outage = undefined;
    const { onConnected } = member;
    if (onConnected === undefined) return;
    member.onConnected = undefined;
    this.#journal.contain(member, () => member.storage.off?.('connected', onConnected));
  }

  #end(member: Member, outage: Outage): void {
    member.outage = undefined;
    outage.ended(performance.now(), member.address);
    if (member.lastDeath?.outage === outage) member.lastDeath.backAt = new Date();
    this.#journal.back(member, outage);
  }
}
