import type { RoundTripSummary } from '../../agent/ping/round-trips.js';
import type { Entry } from './view.js';

/**
 * How a storage is, at a glance. From bad to good, which is the order of the table.
 *
 * | state | means |
 * | --- | --- |
 * | `dead` | its server stayed silent after a ping; the connection was destroyed, and there is no new one yet |
 * | `down` | it had a connection and lost it |
 * | `failed` | it is connected, and its last ping failed |
 * | `opening` | there was no connection so far |
 * | `back` | it has a new connection after one of the above, which has not answered a ping yet |
 * | `ready` | it is connected, and its first ping is not due yet |
 * | `alive` | it is connected, and its last ping was answered |
 */
export const displayStates = ['dead', 'down', 'failed', 'opening', 'back', 'ready', 'alive'] as const;
export type DisplayState = (typeof displayStates)[number];

/** Whether a state is one to do something about. */
export function isTrouble(state: DisplayState): boolean {
  return displayStates.indexOf(state) < displayStates.indexOf('back');
}

/** One line of the table. All texts are printable. */
export interface Row {
  readonly name: string;
  /** The server that it is connected to. */
  readonly server: string | undefined;
  readonly state: DisplayState;
  readonly since: Date;
  readonly pings: number;
  readonly failures: number;
  readonly roundTrips: RoundTripSummary | undefined;
  readonly trouble: Trouble | undefined;
}

/** What went wrong last. */
export interface Trouble {
  readonly at: Date;
  /** With its diagnosis. */
  readonly text: string;
  /** Why it goes on, as far as that is known. */
  readonly latest?: string;
  /** How it ended, if it did. */
  readonly end?: string;
}

/** The whole story. */
export function tellTrouble({ text, latest, end }: Trouble): string {
  const sequel = end ?? latest;
  return sequel === undefined ? text : `${text}; ${sequel}`;
}

/** All that a screen shows, at one moment. */
export interface Snapshot {
  readonly now: Date;
  readonly periodMs: number;
  readonly detectionBoundMs: number;
  readonly rows: readonly Row[];
  /** What happened lately, newest last, without routine. */
  readonly recent: readonly Entry[];
}
