import { isError } from '../model/errors.js';

/**
 * Removes credentials from logs, errors and metrics. Names, addresses and errors come from the host, from servers and from
 * libraries: any of them may quote a URI with a password in it.
 *
 * In doubt, text counts as a secret: redacting too much of a URI does less harm than too little.
 */

/** `user:password@`, or a token in its place, after `scheme://`. A password may contain any character but a space. */
const userInfo = /([a-z][a-z0-9+.-]{0,30}:\/\/)(?:[^\s/?#@]+|[^\s/:@]*:[^\s@]*)@/gi;
/** `password=…` in a query, a connection string or a command line, `password: …`, `"password":"…"` in JSON. */
const secretParameter =
  /((?:password|passwd|passphrase|pwd|secret|token|credentials?|api[_-]?key)\\?["']?\s{0,3}(?:[:=]|%3D)\s{0,3})(?:\\?"(?:[^"\\]|\\[\s\S])*(?:"|\\?$)|'[^']*(?:'|$)|[^\s&;,'"]+)/gi;
/** `Authorization: Bearer …` in a header. */
const authorization =
  /(authorization\\?["']?\s{0,3}[:=]\s{0,3}["']?)(?:[a-z]{1,20}[ \t]{1,3})?[^\s"',;]{1,16384}/gi;
const secretProperty =
  /password|passwd|passphrase|pwd|secret|token|credential|api[_-]?key|authorization|cookie/i;
/** In characters. Longer text takes too long to search, and nobody would read it. */
const maxTextLength = 16_384;
const maxDepth = 6;
const maxMembers = 50;

/** The text without credentials, cut after 16,384 characters. */
export function redactText(text: string): string {
  const readable = shortened(text);
  // Most text has no user info: skip the more expensive search.
  const withoutUser = readable.includes('@') ? readable.replace(userInfo, '$1***@') : readable;
  return withoutUser.replace(authorization, '$1***').replace(secretParameter, '$1***');
}

/** Cut at a space, since the first half of a URI that is cut in two would not be recognized. */
function shortened(text: string): string {
  if (text.length <= maxTextLength) return text;
  const start = text.slice(0, maxTextLength);
  return `${start.slice(0, Math.max(0, start.lastIndexOf(' ')))}…`;
}

/**
 * Redacts every string in a plain object, array or error; returns the value itself if there is nothing to redact. Any other
 * object, such as a socket that an error refers to, is replaced by the name of its class.
 */
export function redact(value: unknown, depth = maxDepth): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (depth === 0) return '…';
  if (Array.isArray(value)) {
    const members = value.slice(0, maxMembers).map((member) => redact(member, depth - 1));
    return members.length === value.length && members.every((member, i) => member === value[i])
      ? value
      : members;
  }
  if (isError(value)) return redactProperties(value, [...errorProperties, ...Object.keys(value)], depth);
  const { constructor: itsClass } = value;
  if (itsClass !== undefined && itsClass !== Object) return `[${itsClass.name}]`;
  return redactProperties(value, Object.keys(value), depth);
}

/** The properties of errors that are not enumerable. */
const errorProperties = ['message', 'stack', 'cause', 'errors'];

/** A copy of the same class with these properties redacted; the value itself if nothing changes. */
function redactProperties(value: object, keys: readonly string[], depth: number): object {
  let isSame = keys.length <= maxMembers;
  const descriptors: PropertyDescriptorMap = {};
  for (const key of keys.slice(0, maxMembers)) {
    if (!(key in value)) continue;
    const member = read(value, key);
    const shown = secretProperty.test(key) ? '***' : redact(member, depth - 1);
    if (shown !== member || member === unreadable) isSame = false;
    descriptors[key] = {
      value: shown,
      enumerable: !errorProperties.includes(key),
      writable: true,
      configurable: true,
    };
  }
  return isSame ? value : Object.create(Object.getPrototypeOf(value), descriptors);
}

const unreadable = '[unreadable]';

/** A getter that throws must not suppress the whole line. */
function read(value: object, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key];
  } catch {
    return unreadable;
  }
}
