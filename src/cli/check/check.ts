import { resolveClientOptions } from '../../zeo/connection/options.js';
import { pluginExitCode, worstOf } from '../io/exit-code.js';
import { explain, formatMs } from '../io/format.js';
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
  try {
    return await (options.ruok ? ruok : ping)(target, options);
  } catch (error) {
    return { name: target.name, state: 'CRITICAL', text: `cannot be used: ${explain(error)}`, figures: [] };
  }
}

async function ping({ name, options }: Target, thresholds: CheckOptions) {
  const { address, connectMs, roundTripMs, status } = await probe(options, thresholds.timeoutMs);
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
async function ruok({ name, options }: Target, thresholds: CheckOptions) {
  const { addresses, tls } = resolveClientOptions(options);
  const { timeoutMs } = thresholds;
  const answered = new AbortController();
  try {
    const answer = await Promise.any(
      addresses.map((address) => askRuok(address, { tls, timeoutMs }, answered.signal)),
    );
    return findingOf(name, answer, options.storage, thresholds);
  } catch (error) {
    throw (error as AggregateError).errors.at(-1);
  } finally {
    // Abandons servers that have not answered yet: an open socket would keep this process alive.
    answered.abort();
  }
}
