import type { ServerStatus } from '../../zeo/protocol/ruok.js';
import { worstOf } from '../io/exit-code.js';
import { formatMs } from '../io/format.js';
import { oneLine } from '../io/terminal-text.js';
import type { RuokAnswer } from './ask-ruok.js';
import { type Finding, judge, type Thresholds } from './finding.js';
import { judgeLock, type LockThresholds, lockFigure, type Problem } from './held-lock.js';
import type { Figure } from './perfdata.js';

/** What ZEO reports about a storage (`ZEO/StorageServer.py: server_status`): present values, and totals. */
const gauges = ['connections', 'waiting', 'active_txns'];
const counters = ['loads', 'stores', 'commits', 'aborts', 'conflicts', 'conflicts_resolved'];
/** The last transaction id of a storage that has no transactions. */
const noTransaction = '0'.repeat(16);
/** A hostile server could list any number of storages. */
const mostStorages = 100;

/**
 * Judges a server's reply to `ruok`. As in ZEO's own plugin, a server without storages or with an empty one is a warning. So
 * is a storage whose timeout thread has ended, because nothing then ends a commit that hangs, and one that holds its commit lock for long.
 *
 * @param wanted the storage that must exist; `undefined`: any
 */
export function findingOf(
  name: string,
  { status: whole, roundTripMs }: RuokAnswer,
  wanted: string | undefined,
  thresholds: Thresholds,
): Finding {
  // The other storages were not asked about.
  const status =
    wanted === undefined
      ? whole
      : Object.fromEntries(Object.entries(whole).filter(([storageId]) => storageId === wanted));
  const { warningMs: warning, criticalMs: critical } = thresholds;
  const problems = [...problemsOf(status, wanted, thresholds)];
  const text = [`answered ruok in ${formatMs(roundTripMs)} ms`, ...problems.map(({ what }) => what)];
  return {
    name,
    state: worstOf([judge(roundTripMs, thresholds), ...problems.map(({ state }) => state)]),
    text: oneLine(text.join('; ')),
    figures: [
      { label: `${name} ruok`, value: roundTripMs, unit: 'ms', warning, critical },
      ...figuresOf(name, status, thresholds),
    ],
  };
}

function* problemsOf(
  status: ServerStatus,
  wanted: string | undefined,
  thresholds: LockThresholds,
): Iterable<Problem> {
  const storages = Object.entries(status);
  if (storages.length === 0)
    yield wanted === undefined
      ? { state: 'WARNING', what: 'it has no storages' }
      : { state: 'CRITICAL', what: `it has no storage ${JSON.stringify(wanted)}` };
  for (const [id, report] of storages) {
    const which = `its storage ${JSON.stringify(id)}`;
    if (report['last-transaction'] === noTransaction) yield { state: 'WARNING', what: `${which} is empty` };
    if (report['timeout-thread-is-alive'] === false)
      yield { state: 'WARNING', what: `the timeout thread of ${which} has ended` };
    const locked = judgeLock(report, which, thresholds);
    if (locked !== undefined) yield locked;
  }
}

function* figuresOf(name: string, status: ServerStatus, thresholds: LockThresholds): Iterable<Figure> {
  for (const [id, report] of Object.entries(status).slice(0, mostStorages)) {
    for (const key of [...gauges, ...counters]) {
      const value = report[key];
      if (typeof value === 'number' && Number.isFinite(value))
        yield {
          label: oneLine(`${name} ${id} ${key}`),
          value,
          unit: counters.includes(key) ? 'c' : '',
        };
    }
    yield lockFigure(report, oneLine(`${name} ${id} lock`), thresholds);
  }
}
