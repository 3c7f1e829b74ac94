import { withDeadline } from '../../async/deadline.js';
import { resolveClientOptions } from '../../zeo/connection/options.js';
import { pluginExitCode, worstOf } from '../io/exit-code.js';
import { explain, formatDuration, formatMs } from '../io/format.js';
import type { Target } from '../io/targets.js';
import { oneLine } from '../io/terminal-text.js';
import { askRuok } from './ask-ruok.js';
import { type Finding, judge, reportLine, type Thresholds } from './finding.js';
import { judgeLock, lockFigure } from './held-lock.js';
import { probe } from './probe.js';
import { findingOf } from './ruok-finding.js';

export interface CheckOptions extends Thresholds {
  /** For each storage, from the first packet to the reply. */
  readonly timeoutMs: number;
  /** Ask `ruok` instead of registering as a client. */
  readonly ruok: boolean;
}

/** Checks each target once, all at the same time, prints one line, and resolves to the exit code of a plugin. */
export async function check(targets: readonly Target[], options: CheckOptions): Promise<number> {
  const findings = await Promise.all(targets.map((target) => examine(target, options)));
  console.log(reportLine(findings));
  return pluginExitCode(worstOf(findings.map(({ state }) => state)));
}

/** Never rejects: an unreachable server is a finding. */
async function examine(target: Target, options: CheckOptions): Promise<Finding> {
  const late = new Error(`did not answer within ${formatDuration(options.timeoutMs)}`);
  try {
    return await (options.ruok ? ruok : ping)(target, options, late);
  } catch (error) {
    const text = error === late ? late.message : `cannot be used: ${explain(error)}`;
    return { name: target.name, state: 'CRITICAL', text, figures: [] };
  }
}

async function ping({ name, options }: Target, thresholds: CheckOptions, late: Error) {
  const { address, connectMs, roundTripMs, status } = await probe(options, thresholds.timeoutMs, late);
  const by = oneLine(address);
  const where = by === name ? '' : ` by ${by}`;
  const { warningMs: warning, criticalMs: critical } = thresholds;
  const locked = judgeLock(status, 'its storage', thresholds);
  const text = `answered${where} in ${formatMs(roundTripMs)} ms`;
  return {
    name,
    state: worstOf([judge(roundTripMs, thresholds), locked?.state ?? 'OK']),
    text: locked === undefined ? text : `${text}; ${locked.what}`,
    figures: [
      { label: `${name} rtt`, value: roundTripMs, unit: 'ms', warning, critical },
      { label: `${name} connect`, value: connectMs, unit: 'ms' },
      lockFigure(status, `${name} lock`, thresholds),
    ],
  } satisfies Finding;
}

/** Of several servers the first to answer counts, as for a client. */
async function ruok({ name, options }: Target, thresholds: CheckOptions, late: Error) {
  const { addresses, tls } = resolveClientOptions(options);
  const answered = new AbortController();
  try {
    const answer = await Promise.any(
      addresses.map((address) =>
        withDeadline(
          thresholds.timeoutMs,
          () => late,
          [answered.signal],
          (signal) => askRuok(address, tls, signal),
        ),
      ),
    );
    return findingOf(name, answer, options.storage, thresholds);
  } catch (error) {
    throw (error as AggregateError).errors.at(-1);
  } finally {
    // Abandons servers that have not answered yet: an open socket would keep this process alive.
    answered.abort();
  }
}
