import { type PluginState, worstOf } from '../io/exit-code.js';
import type { LockThresholds } from './held-lock.js';
import { type Figure, formatFigures } from './perfdata.js';

/** The result of checking one address. */
export interface Finding {
  readonly name: string;
  readonly state: PluginState;
  /** The rest of a sentence that begins with the name. Printable. */
  readonly text: string;
  readonly figures: readonly Figure[];
}

/** The round trips, in milliseconds, above which the state is a warning or critical. */
export interface RoundTripThresholds {
  readonly warningMs: number | undefined;
  readonly criticalMs: number | undefined;
}

export interface Thresholds extends RoundTripThresholds, LockThresholds {}

/** The state that a round trip stands for. */
export function judge(roundTripMs: number, { warningMs, criticalMs }: RoundTripThresholds): PluginState {
  if (criticalMs !== undefined && roundTripMs > criticalMs) return 'CRITICAL';
  return warningMs !== undefined && roundTripMs > warningMs ? 'WARNING' : 'OK';
}

/** A monitoring plugin's one line: the worst state, the problems (or that there are none), and the figures. */
export function reportLine(findings: readonly Finding[]): string {
  const state = worstOf(findings.map((finding) => finding.state));
  const [only] = findings;
  const bad = findings.filter((finding) => finding.state !== 'OK');
  const shown = findings.length === 1 && only !== undefined ? [only] : bad;
  const head =
    findings.length === 1
      ? ''
      : bad.length === 0
        ? `all ${findings.length} answered`
        : `${bad.length} of ${findings.length}: `;
  const text = head + shown.map((finding) => `${finding.name} ${finding.text}`).join(', ');
  const figures = formatFigures(findings.flatMap((finding) => finding.figures));
  return `${statusLine(state, text)}${figures === '' ? '' : ` | ${figures}`}`;
}

/** The line without figures. They begin with a bar, so the text must not contain one. */
export function statusLine(state: PluginState, text: string): string {
  return `ZEO ${state} - ${text.replaceAll('|', '/')}`;
}
