import type { FaultResult } from '../fault.js';

/**
 * Why a run says nothing about the agent: it broke promises, on a machine that was too busy to keep them. Promises
 * that were kept on a busy machine were kept all the same.
 */
export function excuse(result: FaultResult, allowanceMs?: number): string | undefined {
  const { tooBusy } = result;
  const isExcused = tooBusy !== undefined && brokenPromises(result, allowanceMs).length > 0;
  return isExcused ? `the machine was too busy: ${tooBusy}` : undefined;
}

/**
 * The promises that a run broke, as phrases.
 *
 * @param allowanceMs how far a bound may be missed, on a busy machine
 */
export function brokenPromises(result: FaultResult, allowanceMs = 0): readonly string[] {
  const { boundMs, detectedAfterMs, deathsExpected, falseDeaths, chances, callsLost, broken = [] } = result;
  const latestMs = Math.max(...detectedAfterMs, 0);
  return [
    ...(detectedAfterMs.length < deathsExpected
      ? [`${deathsExpected - detectedAfterMs.length} of ${deathsExpected} deaths were not found`]
      : []),
    ...(boundMs !== undefined && latestMs > boundMs + allowanceMs
      ? [`found after ${Math.round(latestMs)} ms, promised within ${boundMs} ms`]
      : []),
    ...(falseDeaths > 0 ? [`${falseDeaths} false deaths in ${chances} chances`] : []),
    ...(callsLost > 0 ? [`${callsLost} calls were lost`] : []),
    ...new Set(broken),
  ];
}
