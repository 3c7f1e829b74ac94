import type { FaultResult } from '../fault.js';

/**
 * The promises that a run broke, as phrases.
 *
 * @param allowanceMs how far a bound may be missed, on a busy machine
 */
export function brokenPromises(result: FaultResult, allowanceMs = 0): readonly string[] {
  const {
    boundMs,
    detectedAfterMs,
    deathsExpected,
    falseDeaths,
    chances,
    callsLost,
    broken = [],
    tooBusy,
  } = result;
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
    ...(tooBusy === undefined ? [] : [`the machine was too busy for this run: ${tooBusy}`]),
  ];
}
