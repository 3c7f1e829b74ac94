import { isError } from '../model/errors.js';

/**
 * Keeps credentials out of what is written for others to read. Names, addresses and errors come from the host, from servers
 * and from libraries: any of them may quote a URI with a password in it.
 *
 * What cannot be told apart counts as a secret: a URI that is maimed for nothing does less harm.
 */

/** `user:password@`, or a token in its place, after `scheme://`. A password may hold any character but a space. */
const userInfo = /([a-z][a-z0-9+.-]{0,30}:\/\/)(?:[^\s/?#@]+|[^\s/:@]*:[^\s@]*)@/gi;
/** `password=…` of a query, a connection string or a command line, `password: …`, `"password":"…"` of JSON. */
const secretParameter =
  /((?:password|passwd|passphrase|pwd|secret|token|credentials?|api[_-]?key)\\?["']?\s{0,3}(?:[:=]|%3D)\s{0,3})(?:\\?"(?:[^"\\]|\\[\s\S])*(?:"|\\?$)|'[^']*(?:'|$)|[^\s&;,'"]+)/gi;
/** `Authorization: Bearer …` of a header. */
const authorization =
  /(authorization\\?["']?\s{0,3}[:=]\s{0,3}["']?)(?:[a-z]{1,20}[ \t]{1,3})?[^\s"',;]{1,16384}/gi;
const secretProperty =
  /password|passwd|passphrase|pwd|secret|token|credential|api[_-]?key|authorization|cookie/i;
/** Nobody reads more of it, and searching it would take long. */
const longestText = 16_384;
const deepest = 6;
const mostMembers = 50;

/** The text without credentials. */
export function redactText(text: string): string {
  const readable = shortened(text);
  // Most texts hold none.
  const withoutUser = readable.includes('@') ? readable.replace(userInfo, '$1***@') : readable;
  return withoutUser.replace(authorization, '$1***').replace(secretParameter, '$1***');
}

/** Cut at a space: of a URI that is cut in two the first half would pass. */
function shortened(text: string): string {
  if (text.length <= longestText) return text;
  const start = text.slice(0, longestText);
  return `${start.slice(0, Math.max(0, start.lastIndexOf(' ')))}…`;
}

/**
 * The same of every text in a plain object, array or error; the value itself where there is nothing to hide. Of any other
 * object, such as the socket that an error brings along, only the name of its class is left.
 */
export function redact(value: unknown, depth = deepest): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (depth === 0) return '…';
  if (Array.isArray(value)) {
    const members = value.slice(0, mostMembers).map((member) => redact(member, depth - 1));
    return members.length === value.length && members.every((member, i) => member === value[i])
      ? value
      : members;
  }
  if (isError(value)) return redactProperties(value, [...ofErrors, ...Object.keys(value)], depth);
  const { constructor: itsClass } = value;
  if (itsClass !== undefined && itsClass !== Object) return `[${itsClass.name}]`;
  return redactProperties(value, Object.keys(value), depth);
}

/** What errors have beside what `Object.keys` tells. */
const ofErrors = ['message', 'stack', 'cause', 'errors'];

/** A copy of the same class with these properties; the value itself if it would be the same. */
function redactProperties(value: object, keys: readonly string[], depth: number): object {
  let isSame = keys.length <= mostMembers;
  const descriptors: PropertyDescriptorMap = {};
  for (const key of keys.slice(0, mostMembers)) {
    if (!(key in value)) continue;
    const member = read(value, key);
    const shown = secretProperty.test(key) ? '***' : redact(member, depth - 1);
    if (shown !== member || member === unreadable) isSame = false;
    descriptors[key] = {
      value: shown,
      enumerable: !ofErrors.includes(key),
      writable: true,
      configurable: true,
    };
  }
  return isSame ? value : Object.create(Object.getPrototypeOf(value), descriptors);
}

const unreadable = '[unreadable]';

/** A getter that throws must not cost the line in which it would be read. */
function read(value: object, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key];
  } catch {
    return unreadable;
  }
}
