import type { ServerKind } from '../support/servers.js';

/**
 * The fault lab: what is done to connections, and with what result.
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
  /** The promised bound for detecting a death, in milliseconds in which the main loop ran. */
  readonly boundMs: number | undefined;
  /** When each death was detected, in milliseconds after the fault; empty for faults without deaths. */
  readonly detectedAfterMs: readonly number[];
  /** Deaths that should have been detected. */
  readonly deathsExpected: number;
  /** Verdicts of death on a peer that was alive. */
  readonly falseDeaths: number;
  /** The number of chances for a false death, e.g. stalls times connections, or pings. */
  readonly chances: number;
  /** Calls that neither succeeded nor failed with an error. Must be 0. */
  readonly callsLost: number;
  /** Anything else worth a column, e.g. what a naive watchdog did in the same run. */
  readonly notes?: string;
  /** Broken promises that no column shows, such as a leak; a phrase each. */
  readonly broken?: readonly string[];
  /** Times that were missed and that no column shows; only these, late detection and false deaths does `tooBusy` excuse. */
  readonly missed?: readonly string[];
  /** Why the machine was too busy for this run to say anything about the agent. */
  readonly tooBusy?: string;
}

export interface Fault {
  /** As on the command line: `npm run test:faults -- silent-drop`. */
  readonly name: string;
  /** A phrase for the table. */
  readonly about: string;
  readonly layer: 'relay' | 'process' | 'kernel';
  /** The servers against which it is run. */
  readonly servers: readonly ServerKind[];
  /** Why it cannot run here; `undefined` if it can. */
  missing?(): string | undefined;
  run(options: FaultOptions): Promise<readonly FaultResult[]>;
}
