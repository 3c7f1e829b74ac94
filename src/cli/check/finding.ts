import { type PluginState, worstOf } from '../io/exit-code.js';
import { type Figure, formatFigures } from './perfdata.js';

/** What the check of one address came to. */
export interface Finding {
  readonly name: string;
  readonly state: PluginState;
  /** What is the case, as the rest of a sentence that begins with the name. Printable. */
  readonly text: string;
  readonly figures: readonly Figure[];
}

/** From which round trip on, in milliseconds, it is a warning, and critical. */
export interface Thresholds {
  readonly warningMs: number | undefined;
  readonly criticalMs: number | undefined;
}

/** How a round trip is to be judged. */
export function judge(roundTripMs: number, { warningMs, criticalMs }: Thresholds): PluginState {
  if (criticalMs !== undefined && roundTripMs > criticalMs) return 'CRITICAL';
  return warningMs !== undefined && roundTripMs > warningMs ? 'WARNING' : 'OK';
}

/** The one line of a monitoring plugin: the worst state, what is not well (or that all is), and the figures. */
export function reportLine(findings: readonly Finding[]): string {
  const state = worstOf(findings.map((finding) => finding.state));
  const [only] = findings;
  const bad = findings.filter((finding) => finding.state !== 'OK');
  const told = findings.length === 1 && only !== undefined ? [only] : bad;
  const head =
    findings.length === 1
      ? ''
      : bad.length === 0
        ? `all ${findings.length} answered`
        : `${bad.length} of ${findings.length}: `;
  const text = head + told.map((finding) => `${finding.name} ${finding.text}`).join(', ');
  const figures = formatFigures(findings.flatMap((finding) => finding.figures));
  return `${statusLine(state, text)}${figures === '' ? '' : ` | ${figures}`}`;
}

/** The line without figures. A bar would begin them. */
export function statusLine(state: PluginState, text: string): string {
  return `ZEO ${state} - ${text.replaceAll('|', '/')}`;
}
