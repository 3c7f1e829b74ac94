import type { KeepAlive } from '../../agent/keep-alive.js';
import { KeepAliveError } from '../../model/errors.js';
import type { PlainLogger } from '../../observability/plain-sink.js';
import type { ClientStorage } from '../../zeo/storage/client-storage.js';
import { explain, formatDuration, formatMs } from '../io/format.js';
import { oneLine } from '../io/terminal-text.js';
import type { EntryKind, Tell } from './view.js';

/** Tells what the agent finds out. */
export function tellOfAgent(agent: KeepAlive, tell: Tell): void {
  const say = speaker(tell);
  /** Of each storage that is not well, why its last ping failed, and why it is down. */
  const failures = new Map<string, string>();
  const outages = new Map<string, string>();
  agent.on('pingSucceeded', ({ name, roundTripMs, evidence }) => {
    failures.delete(name);
    const text =
      roundTripMs === undefined
        ? 'alive: other bytes than the answer came'
        : `ping answered in ${formatMs(roundTripMs)} ms`;
    say('pingSucceeded', name, 'routine', text, { roundTripMs, evidence });
  });
  agent.on('pingFailed', ({ name, error }) => {
    const reason = explain(error);
    const kind = failures.get(name) === reason ? 'detail' : 'bad';
    failures.set(name, reason);
    say('pingFailed', name, kind, `ping failed: ${reason}`, { error });
  });
  agent.on('connectionDied', ({ name, error, silentMs, timeToDetectMs, diagnosis, explanation }) => {
    const text = `DEAD, silent for ${formatDuration(silentMs)}: ${explanation}`;
    say('connectionDied', name, 'bad', text, { silentMs, timeToDetectMs, diagnosis, error });
  });
  agent.on('connectionDown', ({ name, downForMs, error }) => {
    const reason = explain(error ?? 'not connected');
    const kind = outages.get(name) === reason ? 'detail' : 'routine';
    outages.set(name, reason);
    // The agent's own verdict has been told, with the diagnosis.
    const why = isVerdict(error) ? '' : `: ${reason}`;
    const text = `still down after ${formatDuration(downForMs)}${why}`;
    say('connectionDown', name, kind, text, { downForMs, error });
  });
  agent.on('connectionBack', ({ name, downForMs, cause, explanation }) => {
    outages.delete(name);
    const why = cause === 'flow-dropped' ? `; ${explanation}` : '';
    say('connectionBack', name, 'good', `back after ${formatDuration(downForMs)}${why}`, {
      downForMs,
      cause,
    });
  });
  agent.on('stalled', (stall) => {
    const what =
      stall.of === 'loop' ? 'the main loop of this program was blocked' : 'this program did not run';
    const text = `${what} for ${formatDuration(stall.durationMs)}; no verdict counts that time`;
    say('stalled', undefined, 'note', text, { ...stall });
  });
  agent.on('workerLost', ({ error, retryInMs }) =>
    say('workerLost', undefined, 'bad', `the worker thread ended: ${explain(error)}`, { error, retryInMs }),
  );
}

/** Tells what a storage goes through between two pings. */
export function tellOfStorage(name: string, storage: ClientStorage, tell: Tell): void {
  const say = speaker(tell);
  /** By the server that it was about; what has been told of a lost connection is about the one that it was to. */
  const lastReasons = new Map<string, string>();
  let lost: string | undefined;
  storage.on('connected', ({ address, protocol, generation, readOnly }) => {
    lastReasons.clear();
    lost = undefined;
    const text = `connected to ${oneLine(address)}, ${oneLine(protocol)}`;
    say('connected', name, 'good', text, { address, protocol, generation, readOnly });
  });
  storage.on('disconnected', ({ generation, error }) => {
    if (isClosing(error)) return;
    lost = explain(error);
    say('disconnected', name, isVerdict(error) ? 'detail' : 'bad', lost, { generation, error });
  });
  storage.on('reconnecting', ({ address, attempt, delayMs, error }) => {
    const reason = explain(error);
    const isKnown = reason === lost || reason === lastReasons.get(address);
    lastReasons.set(address, reason);
    say('reconnecting', name, isKnown ? 'detail' : 'bad', reason, { address, attempt, delayMs, error });
  });
  storage.on('invalidated', ({ oids }) => {
    const text = oids === null ? 'any object may have changed' : `${oids.length} object(s) changed`;
    say('invalidated', name, 'routine', text, { objects: oids?.length ?? null });
  });
}

/** Tells, from now on, what Node would write across the table: the warnings of this process. */
export function tellOfWarnings(tell: Tell): void {
  const say = speaker(tell);
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    const message = oneLine(warning.message);
    say('log', undefined, 'note', message, { level: 'warn', message });
  });
}

function speaker(tell: Tell) {
  return (
    event: string,
    name: string | undefined,
    kind: EntryKind,
    text: string,
    fields: Readonly<Record<string, unknown>>,
  ) => tell({ time: new Date(), event, name, kind, text, fields });
}

/** Whether a connection ended because this program closed it. */
function isClosing(error: Error): boolean {
  return error instanceof KeepAliveError && error.code === 'ERR_ZEO_CLOSED';
}

function isVerdict(error: unknown): boolean {
  return error instanceof KeepAliveError && error.code === 'ERR_KEEPALIVE_TIMEOUT';
}

/** How the lines begin that tell of a storage what an event tells too. */
const toldByEvent = /^(Keep alive|Connection) for /;

/** A logger for the agent: it tells what the agent only logs, as that a storage misbehaves, and not what is an event. */
export function logOfAgent(tell: Tell): PlainLogger {
  const at = (level: 'warn' | 'error') => (fields: object, message: string) => {
    if ('durationMs' in fields || ('connection' in fields && toldByEvent.test(message))) return;
    const name = 'connection' in fields ? String(fields.connection) : undefined;
    const why = 'err' in fields && name !== undefined ? `: ${explain(fields.err)}` : '';
    const text = oneLine(message) + why;
    const kind = level === 'error' ? 'bad' : 'note';
    tell({ time: new Date(), event: 'log', name, kind, text, fields: { level, message: text } });
  };
  return { debug: () => {}, info: () => {}, warn: at('warn'), error: at('error') };
}
