import { inspect } from 'node:util';

const maxLength = 120;

/**
 * What a caller passed, for an error message: short, on one line, and without credentials.
 *
 * Everything before the last `@` is dropped, whatever it was: half a password in a log is a password in a log.
 */
export function receivedValue(value: unknown): string {
  const text =
    typeof value === 'string'
      ? JSON.stringify(value)
      : inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY, customInspect: false });
  const safe = text
    .replace(/^(["']?(?:[a-z][a-z0-9+.-]*:\/\/)?).*@/is, '$1***@')
    .replace(
      /(user(?:name)?|pass(?:word|wd)?|secret|token)(["']?\s*[:=]\s*)('[^']*'|[^&\s,}"]*)/gi,
      '$1$2***',
    );
  return safe.length > maxLength ? `${safe.slice(0, maxLength)}…` : safe;
}
