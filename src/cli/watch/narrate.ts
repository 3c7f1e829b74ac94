import type { KeepAlive } from '../../agent/keep-alive.js';
import { KeepAliveError } from '../../model/errors.js';
import type { PlainLogger } from '../../observability/plain-sink.js';
import type { ClientStorage } from '../../zeo/storage/client-storage.js';
import { explain, formatDuration, formatMs } from '../io/format.js';
import { oneLine } from '../io/terminal-text.js';
import type { EntryKind, Report } from './view.js';

/** Reports what the agent finds out. */
export function reportAgent(agent: KeepAlive, report: Report): void {
  const emit = reporter(report);
  /** For each storage that is not well: why its last ping failed, and why it is down. */
  const failures = new Map<string, string>();
  const outages = new Map<string, string>();
  agent.on('pingSucceeded', ({ name, roundTripMs, evidence }) => {
    failures.delete(name);
    const text =
      roundTripMs === undefined
        ? 'alive: bytes other than the reply arrived'
        : `ping answered in ${formatMs(roundTripMs)} ms`;
    emit('pingSucceeded', name, 'routine', text, { roundTripMs, evidence });
  });
  agent.on('pingFailed', ({ name, error }) => {
    const reason = explain(error);
    const kind = failures.get(name) === reason ? 'detail' : 'bad';
    failures.set(name, reason);
    emit('pingFailed', name, kind, `ping failed: ${reason}`, { error });
  });
  agent.on('connectionDied', ({ name, error, silentMs, timeToDetectMs, diagnosis, explanation }) => {
    const text = `DEAD, silent for ${formatDuration(silentMs)}: ${explanation}`;
    emit('connectionDied', name, 'bad', text, { silentMs, timeToDetectMs, diagnosis, error });
  });
  agent.on('connectionDown', ({ name, downForMs, error }) => {
    const reason = explain(error ?? 'not connected');
    const kind = outages.get(name) === reason ? 'detail' : 'routine';
    outages.set(name, reason);
    // The agent's own verdict has been reported, with the diagnosis.
    const why = isVerdict(error) ? '' : `: ${reason}`;
    const text = `still down after ${formatDuration(downForMs)}${why}`;
    emit('connectionDown', name, kind, text, { downForMs, error });
  });
  agent.on('connectionBack', ({ name, downForMs, cause, explanation }) => {
    outages.delete(name);
    const why = cause === 'flow-dropped' ? `; ${explanation}` : '';
    emit('connectionBack', name, 'good', `back after ${formatDuration(downForMs)}${why}`, {
      downForMs,
      cause,
    });
  });
  agent.on('stalled', (stall) => {
    const what =
      stall.of === 'loop' ? 'the main loop of this program was blocked' : 'this program did not run';
    const text = `${what} for ${formatDuration(stall.durationMs)}; no verdict counts that time`;
    emit('stalled', undefined, 'note', text, { ...stall });
  });
  agent.on('workerLost', ({ error, retryInMs }) =>
    emit('workerLost', undefined, 'bad', `the worker thread ended: ${explain(error)}`, { error, retryInMs }),
  );
}

/** Reports what happens to a storage between two pings. */
export function reportStorage(name: string, storage: ClientStorage, report: Report): void {
  const emit = reporter(report);
  /** The last reason reported for each server; that of a lost connection concerns the server it was to. */
  const lastReasons = new Map<string, string>();
  let lost: string | undefined;
  storage.on('connected', ({ address, protocol, generation, readOnly }) => {
    lastReasons.clear();
    lost = undefined;
    const text = `connected to ${oneLine(address)}, ${oneLine(protocol)}`;
    emit('connected', name, 'good', text, { address, protocol, generation, readOnly });
  });
  storage.on('disconnected', ({ generation, error }) => {
    if (isClosing(error)) return;
    lost = explain(error);
    emit('disconnected', name, isVerdict(error) ? 'detail' : 'bad', lost, { generation, error });
  });
  storage.on('reconnecting', ({ address, attempt, delayMs, error }) => {
    const reason = explain(error);
    const isKnown = reason === lost || reason === lastReasons.get(address);
    lastReasons.set(address, reason);
    emit('reconnecting', name, isKnown ? 'detail' : 'bad', reason, { address, attempt, delayMs, error });
  });
  storage.on('invalidated', ({ oids }) => {
    const text = oids === null ? 'any object may have changed' : `${oids.length} object(s) changed`;
    emit('invalidated', name, 'routine', text, { objects: oids?.length ?? null });
  });
}

/** From now on reports the warnings of this process, which Node would write across the table. */
export function reportWarnings(report: Report): void {
  const emit = reporter(report);
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    const message = oneLine(warning.message);
    emit('log', undefined, 'note', message, { level: 'warn', message });
  });
}

function reporter(report: Report) {
  return (
    event: string,
    name: string | undefined,
    kind: EntryKind,
    text: string,
    fields: Readonly<Record<string, unknown>>,
  ) => report({ time: new Date(), event, name, kind, text, fields });
}

/** Whether a connection ended because this program closed it. */
function isClosing(error: Error): boolean {
  return error instanceof KeepAliveError && error.code === 'ERR_ZEO_CLOSED';
}

function isVerdict(error: unknown): boolean {
  return error instanceof KeepAliveError && error.code === 'ERR_KEEPALIVE_TIMEOUT';
}

/** A logger for the agent. It reports what the agent only logs, such as an exception in a storage: other lines name an event. */
export function loggerFor(report: Report): PlainLogger {
  const at = (level: 'warn' | 'error') => (fields: object, message: string) => {
    if ('event' in fields) return;
    const name = 'connection' in fields ? String(fields.connection) : undefined;
    const why = 'err' in fields ? `: ${explain(fields.err)}` : '';
    const text = oneLine(message) + why;
    const kind = level === 'error' ? 'bad' : 'note';
    report({ time: new Date(), event: 'log', name, kind, text, fields: { level, message: text } });
  };
  return { debug: () => {}, info: () => {}, warn: at('warn'), error: at('error') };
}
