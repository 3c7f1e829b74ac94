import { isIPv6 } from 'node:net';
import { printableJson } from './printable.js';

/*
 * What a caller passed, for an error message: short, on one line, and without credentials. Only what is known to be
 * harmless is shown: no list of what is secret is ever complete. A `…` stands for what is left out.
 */

const maxLength = 120;
const maxTextLength = 40;
const maxProperties = 10;

/** Of an object the names of its properties and their types, never a value. */
export function receivedValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return /:\/\/|@/.test(value) ? receivedAddress(value) : quoted(value, maxTextLength);
    case 'object':
      return value === null ? 'null' : shortened(shape(value), maxLength);
    case 'function':
      return 'a function';
    default:
      return shortened(String(value), maxTextLength);
  }
}

/** Of an address or a URI `scheme://host:port/path`, as far as it is one. */
export function receivedAddress(value: unknown): string {
  return typeof value === 'string' ? quoted(harmlessPart(value), maxLength) : receivedValue(value);
}

function shape(value: object): string {
  if (value instanceof Uint8Array) return `Uint8Array(${value.length})`;
  const isArray = Array.isArray(value);
  const names = Object.keys(value);
  const shown = names.slice(0, maxProperties).map((name) => {
    const type = typeOf((value as Record<string, unknown>)[name]);
    return isArray ? type : `${propertyName(name)}: ${type}`;
  });
  if (names.length > shown.length) shown.push('…');
  if (isArray) return `[${shown.join(', ')}]`;
  return shown.length === 0 ? '{}' : `{ ${shown.join(', ')} }`;
}

function propertyName(name: string): string {
  return /^[\w$]{1,40}$/.test(name) ? name : quoted(name, maxTextLength);
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/** A host in brackets or by name, a port if it is all digits, a path of plain characters: nothing after a gap. */
const plainAddress =
  /^(?:\[[\da-f:.]{0,45}\]|[\p{L}\p{N}._-]*)(?::(?:\d{1,6}(?![^:/?#]))?)?(?:\/[\p{L}\p{N}._~+,%/-]*)?/iu;

function harmlessPart(text: string): string {
  const [scheme = ''] = /^[a-z][a-z0-9+.-]{0,15}:\/\//i.exec(text) ?? [];
  const rest = text.slice(scheme.length);
  const userEnd = rest.lastIndexOf('@');
  const serverEnd = rest.search(/[?#]/);
  // A password with a `?` in it, or a query with an `@`: there is no telling.
  if (serverEnd >= 0 && serverEnd < userEnd) return `${scheme}…`;
  const server = rest.slice(userEnd + 1);
  const [plain = ''] = isIPv6(server) ? [server] : (plainAddress.exec(server) ?? []);
  return `${scheme}${userEnd < 0 ? '' : '***@'}${plain}${plain.length < server.length ? '…' : ''}`;
}

function quoted(text: string, length: number): string {
  return printableJson(JSON.stringify(shortened(text, length)));
}

function shortened(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
