import type { FaultResult } from '../fault.js';

/**
 * What a run did not keep of what is promised, as phrases; empty when all is well.
 *
 * @param allowanceMs for a machine that had other things to do
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
      ? [`found after ${Math.round(latestMs)} ms, promised are ${boundMs} ms`]
      : []),
    ...(falseDeaths > 0 ? [`${falseDeaths} false deaths in ${chances} chances`] : []),
    ...(callsLost > 0 ? [`${callsLost} calls were lost`] : []),
    ...new Set(broken),
    ...(tooBusy === undefined ? [] : [`the machine was too busy for this run: ${tooBusy}`]),
  ];
}
