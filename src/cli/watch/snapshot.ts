import type { RoundTripSummary } from '../../agent/ping/round-trips.js';
import type { Entry } from './view.js';

/**
 * The state of a storage at a glance. From bad to good, which is the order of the table.
 *
 * | state | means |
 * | --- | --- |
 * | `dead` | its server stayed silent after a ping; the connection was destroyed, and there is no new one yet |
 * | `down` | it had a connection and lost it |
 * | `failed` | it is connected, and its last ping failed |
 * | `opening` | it has not been connected yet |
 * | `back` | it is connected again after one of the above, and has not answered a ping yet |
 * | `ready` | it is connected, and its first ping is not due yet |
 * | `alive` | it is connected, and its last ping was answered |
 */
export const displayStates = ['dead', 'down', 'failed', 'opening', 'back', 'ready', 'alive'] as const;
export type DisplayState = (typeof displayStates)[number];

/** Whether a state needs attention. */
export function isTrouble(state: DisplayState): boolean {
  return displayStates.indexOf(state) < displayStates.indexOf('back');
}

/** A line of the table. All texts are printable. */
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

/** The last thing that went wrong. */
export interface Trouble {
  readonly at: Date;
  /** With its diagnosis. */
  readonly text: string;
  /** Why it continues, if that is known. */
  readonly latest?: string;
  /** How it ended, if it did. */
  readonly end?: string;
}

/** Cause and end, or why it continues. */
export function describeTrouble({ text, latest, end }: Trouble): string {
  const sequel = end ?? latest;
  return sequel === undefined ? text : `${text}; ${sequel}`;
}

/** Everything that the screen shows, at one moment. */
export interface Snapshot {
  readonly now: Date;
  readonly periodMs: number;
  readonly detectionBoundMs: number;
  readonly rows: readonly Row[];
  /** Recent entries without the routine ones, newest last. */
  readonly recent: readonly Entry[];
}
