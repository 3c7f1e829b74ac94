import type { FaultResult } from '../fault.js';

/**
 * Why a run says nothing about the agent: it missed times, and nothing else, on a machine that was too busy to keep
 * them. Those that were kept on a busy machine were kept all the same.
 */
export function excuse(result: FaultResult, allowanceMs?: number): string | undefined {
  const { tooBusy } = result;
  if (tooBusy === undefined || otherwiseBroken(result).length > 0) return;
  return missedTimes(result, allowanceMs).length > 0 ? `the machine was too busy: ${tooBusy}` : undefined;
}

/**
 * The promises that a run broke, as phrases.
 *
 * @param allowanceMs how far a bound may be missed, on a busy machine
 */
export function brokenPromises(result: FaultResult, allowanceMs?: number): readonly string[] {
  return [...missedTimes(result, allowanceMs), ...otherwiseBroken(result)];
}

/** Of the broken promises, those that a machine can be too busy for: something came too late. */
export function missedTimes(result: FaultResult, allowanceMs = 0): readonly string[] {
  const { boundMs, detectedAfterMs, falseDeaths, chances, missed = [] } = result;
  const latestMs = Math.max(...detectedAfterMs, 0);
  return [
    ...(boundMs !== undefined && latestMs > boundMs + allowanceMs
      ? [`found after ${Math.round(latestMs)} ms, promised within ${boundMs} ms`]
      : []),
    // A peer that was alive, and whose reply was late.
    ...(falseDeaths > 0 ? [`${falseDeaths} false deaths in ${chances} chances`] : []),
    ...new Set(missed),
  ];
}

/** Of the broken promises, those that have nothing to do with the speed of the machine. */
export function otherwiseBroken(result: FaultResult): readonly string[] {
  const { detectedAfterMs, deathsExpected, callsLost, broken = [] } = result;
  return [
    ...(detectedAfterMs.length < deathsExpected
      ? [`${deathsExpected - detectedAfterMs.length} of ${deathsExpected} deaths were not found`]
      : []),
    ...(callsLost > 0 ? [`${callsLost} calls were lost`] : []),
    ...new Set(broken),
  ];
}
