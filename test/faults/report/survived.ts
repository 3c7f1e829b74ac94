import { type Row, type Run, rowOf, type Topic } from './row.js';

/** What becomes of connections in something that none of them may die of. */
export interface Survived {
  readonly connections: number;
  /** Chances of a false death: connections, times stalls if there were any. */
  readonly chances: number;
  readonly falseDeaths: number;
  readonly dropped: number;
  readonly calls: number;
  readonly failedCalls: number;
  /** What else is wrong where it is promised that nothing is. */
  readonly broken: readonly string[];
  /** What is wrong in any case. */
  readonly faults: readonly string[];
}

/** @param isPromised whether a connection that is dropped breaks a promise, or is only counted */
export function survivedRow(
  topic: Topic,
  server: string,
  variant: string,
  survived: Survived,
  run: Run,
  isPromised: boolean,
): Row {
  const { connections, chances, falseDeaths, dropped, calls, failedCalls, broken, faults } = survived;
  const counts = `${connections} connections, ${calls} calls`;
  const result = {
    variant,
    boundMs: undefined,
    detectedAfterMs: [],
    deathsExpected: 0,
    falseDeaths: isPromised ? falseDeaths : 0,
    chances: isPromised ? chances : 0,
    callsLost: 0,
    notes: isPromised ? counts : `${counts}; ${dropped} connections dropped, ${failedCalls} calls failed`,
    broken: [
      ...(isPromised ? broken : []),
      ...(isPromised && failedCalls > 0 ? [`${failedCalls} calls failed`] : []),
      ...faults,
    ],
  };
  return rowOf(topic, server, result, run);
}
