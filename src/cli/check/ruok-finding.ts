import type { ServerStatus } from '../../zeo/protocol/ruok.js';
import { type PluginState, worstOf } from '../io/exit-code.js';
import { formatMs } from '../io/format.js';
import { oneLine } from '../io/terminal-text.js';
import type { RuokAnswer } from './ask-ruok.js';
import { type Finding, judge, type Thresholds } from './finding.js';
import type { Figure } from './perfdata.js';

/** What ZEO reports of a storage (`ZEO/StorageServer.py: server_status`): what is now, and what only grows. */
const gauges = ['connections', 'waiting', 'active_txns'];
const counters = ['loads', 'stores', 'commits', 'aborts', 'conflicts', 'conflicts_resolved'];
/** The transaction id of a storage in which nothing was ever committed. */
const noTransaction = '0'.repeat(16);
/** A hostile server could list any number. */
const mostStorages = 100;

/**
 * What a server's answer to `ruok` means. As in ZEO's own plugin a server without storages, or with an empty one, is a
 * warning; so is a storage whose timeout thread has ended, as nothing then ends a commit that hangs.
 *
 * @param wanted the storage that has to be there; `undefined`: any
 */
export function findingOf(
  name: string,
  { status: whole, roundTripMs }: RuokAnswer,
  wanted: string | undefined,
  thresholds: Thresholds,
): Finding {
  // Its other storages are not what was asked about.
  const status =
    wanted === undefined
      ? whole
      : Object.fromEntries(Object.entries(whole).filter(([storageId]) => storageId === wanted));
  const { warningMs: warning, criticalMs: critical } = thresholds;
  const problems = [...problemsOf(status, wanted)];
  const text = [`answered ruok in ${formatMs(roundTripMs)} ms`, ...problems.map(({ what }) => what)];
  return {
    name,
    state: worstOf([judge(roundTripMs, thresholds), ...problems.map(({ state }) => state)]),
    text: oneLine(text.join('; ')),
    figures: [
      { label: `${name} ruok`, value: roundTripMs, unit: 'ms', warning, critical },
      ...figuresOf(name, status),
    ],
  };
}

function* problemsOf(
  status: ServerStatus,
  wanted: string | undefined,
): Iterable<{ state: PluginState; what: string }> {
  const storages = Object.entries(status);
  if (storages.length === 0)
    yield wanted === undefined
      ? { state: 'WARNING', what: 'it has no storages' }
      : { state: 'CRITICAL', what: `it has no storage ${JSON.stringify(wanted)}` };
  for (const [id, facts] of storages) {
    const which = `its storage ${JSON.stringify(id)}`;
    if (facts['last-transaction'] === noTransaction) yield { state: 'WARNING', what: `${which} is empty` };
    if (facts['timeout-thread-is-alive'] === false)
      yield { state: 'WARNING', what: `the timeout thread of ${which} has ended` };
  }
}

function* figuresOf(name: string, status: ServerStatus): Iterable<Figure> {
  for (const [id, facts] of Object.entries(status).slice(0, mostStorages)) {
    for (const fact of [...gauges, ...counters]) {
      const value = facts[fact];
      if (typeof value === 'number' && Number.isFinite(value))
        yield {
          label: oneLine(`${name} ${id} ${fact}`),
          value,
          unit: counters.includes(fact) ? 'c' : '',
        };
    }
  }
}
