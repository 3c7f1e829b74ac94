import type { PlainLogger } from '../../observability/plain-sink.js';
import { explain } from '../explain.js';
import { printable } from '../terminal-text.js';
import type { Tell } from './fact.js';

/** How the lines begin that tell of a storage what an event tells too. */
const toldByEvent = /^(Keep alive|Connection) for /;

/** A logger for the agent: it tells what the agent only logs, as that a storage misbehaves, and not what is an event. */
export function logOfAgent(tell: Tell): PlainLogger {
  const at = (level: 'warn' | 'error') => (fields: object, message: string) => {
    if ('durationMs' in fields || ('storage' in fields && toldByEvent.test(message))) return;
    const name = 'storage' in fields ? String(fields.storage) : undefined;
    const why = 'err' in fields && name !== undefined ? `: ${explain(fields.err)}` : '';
    const text = printable(message) + why;
    const kind = level === 'error' ? 'bad' : 'note';
    tell({ time: new Date(), event: 'log', name, kind, text, fields: { level, message: text } });
  };
  return { debug: () => {}, info: () => {}, warn: at('warn'), error: at('error') };
}
