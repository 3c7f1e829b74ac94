import type { ConnectionDiedEvent } from '../../model/events.js';

/** Connections to one server that were found dead for the same reason, one soon after the other. */
export interface Death {
  /** The first of them. */
  readonly at: Date;
  readonly listener: string;
  readonly server: string;
  readonly connections: number;
  readonly silentMs: number;
  readonly diagnosis: string;
  /** The diagnosis in words. */
  readonly explanation: string;
}

const most = 20;
const togetherMs = 60_000;

/** The last deaths. All connections to a server die with it: a thousand of them are one entry. */
export class RecentDeaths {
  #deaths: readonly Death[] = [];

  record(listener: string, server: string, event: ConnectionDiedEvent, at = new Date()): void {
    const { silentMs, diagnosis, explanation } = event;
    const same = this.#deaths.find(
      (death) =>
        death.listener === listener &&
        death.server === server &&
        death.diagnosis === diagnosis &&
        at.getTime() - death.at.getTime() < togetherMs,
    );
    if (same === undefined) {
      const death = { at, listener, server, connections: 1, silentMs, diagnosis, explanation };
      this.#deaths = [death, ...this.#deaths.slice(0, most - 1)];
    } else {
      const more = {
        ...same,
        connections: same.connections + 1,
        silentMs: Math.max(same.silentMs, silentMs),
      };
      this.#deaths = this.#deaths.map((death) => (death === same ? more : death));
    }
  }

  /** The latest first. */
  get latest(): readonly Death[] {
    return this.#deaths;
  }
}
