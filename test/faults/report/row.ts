import type { Fault, FaultResult } from '../fault.js';
import { brokenPromises } from './judge.js';

/** What the table needs to know of a fault. */
export interface Topic extends Pick<Fault, 'name' | 'about'> {
  readonly layer: Fault['layer'] | 'sockets' | 'adapters' | 'guard';
}

/** One row of the table, as it is kept in docs/reliability.json. */
export interface Row {
  readonly fault: string;
  readonly about: string;
  readonly layer: Topic['layer'];
  /** The kind of server; of watched sockets and of guard the client. */
  readonly server: string;
  readonly variant: string;
  readonly boundMs: number | undefined;
  readonly medianMs: number | undefined;
  readonly maxMs: number | undefined;
  readonly deathsDetected: number;
  readonly deathsExpected: number;
  readonly falseDeaths: number;
  readonly chances: number;
  readonly callsLost: number;
  readonly notes: string | undefined;
  readonly broken: readonly string[];
  readonly run: Run;
}

/** The run that produced a row. */
export interface Run {
  readonly size: 'scaled' | 'full';
  /** ISO 8601, to the second. */
  readonly date: string;
  readonly commit: string;
  readonly node: string;
  readonly machine: string;
}

export function rowOf(fault: Topic, server: string, result: FaultResult, run: Run): Row {
  const { variant, boundMs, detectedAfterMs, deathsExpected, falseDeaths, chances, callsLost, notes } =
    result;
  const sorted = [...detectedAfterMs].sort((a, b) => a - b);
  return {
    fault: fault.name,
    about: fault.about,
    layer: fault.layer,
    server,
    variant,
    boundMs,
    medianMs: whole(sorted[Math.floor(sorted.length / 2)]),
    maxMs: whole(sorted.at(-1)),
    deathsDetected: sorted.length,
    deathsExpected,
    falseDeaths,
    chances,
    callsLost,
    notes,
    broken: brokenPromises(result),
    run,
  };
}

const whole = (ms: number | undefined) => ms && Math.round(ms);
