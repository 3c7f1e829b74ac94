import type { ServerKind } from '../support/servers.js';

/**
 * The fault lab: what is done to a connection, and what came of it.
 *
 * A fault runs in two sizes: scaled, in the normal suite, and full, for the figures in docs/reliability.md.
 */

export interface FaultOptions {
  readonly size: 'scaled' | 'full';
  readonly server: ServerKind;
  /** Progress of a long run, a line at a time. */
  readonly progress: (line: string) => void;
}

export interface FaultResult {
  /** What varied: the server, the length of a stall, … One row of the table. */
  readonly variant: string;
  /** Promised: within how many milliseconds, of time in which the main loop turned, a death is detected. */
  readonly boundMs: number | undefined;
  /** When each death was detected, in milliseconds after the fault; empty for faults that nobody dies of. */
  readonly detectedAfterMs: readonly number[];
  /** Deaths that should have been detected. */
  readonly deathsExpected: number;
  /** Verdicts of death on a peer that was alive. */
  readonly falseDeaths: number;
  /** In how many chances, e.g. connection-stalls or pings. */
  readonly chances: number;
  /** Calls that neither succeeded nor failed with an error. Must be 0. */
  readonly callsLost: number;
  /** Anything else worth a column, e.g. what a naive watchdog did in the same run. */
  readonly notes?: string;
  /** Promises that were broken and that no column shows, e.g. a leak; each a phrase. */
  readonly broken?: readonly string[];
  /** What the machine, busy with other things, was too late with, so that this run says nothing about the agent. */
  readonly tooBusy?: string;
}

export interface Fault {
  /** As on the command line: `npm run test:faults -- silent-drop`. */
  readonly name: string;
  /** A phrase for the table. */
  readonly about: string;
  readonly layer: 'relay' | 'process' | 'kernel';
  /** The servers that it is run against. */
  readonly servers: readonly ServerKind[];
  /** Why it cannot run here; `undefined` when it can. */
  missing?(): string | undefined;
  run(options: FaultOptions): Promise<readonly FaultResult[]>;
}
