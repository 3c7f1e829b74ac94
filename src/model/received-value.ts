import { isIPv6 } from 'node:net';
import { printableJson } from './printable.js';

/*
 * Shows a received value in an error message: short, on one line, and without credentials. Only what is known to be harmless
 * is shown, since no list of secrets is ever complete. A `…` stands for what is left out.
 */

const maxLength = 120;
const maxTextLength = 40;
const maxProperties = 10;

/** For an object, the names and types of its properties, never their values. */
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

/** For an address or a URI, the part that has the form `scheme://host:port/path`. */
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

/** A host in brackets or by name, then a port of digits only, then a path of plain characters. */
const plainAddress =
  /^(?:\[[\da-f:.]{0,45}\]|[\p{L}\p{N}._-]*)(?::(?:\d{1,6}(?![^:/?#]))?)?(?:\/[\p{L}\p{N}._~+,%/-]*)?/iu;

function harmlessPart(text: string): string {
  const [scheme = ''] = /^[a-z][a-z0-9+.-]{0,15}:\/\//i.exec(text) ?? [];
  const rest = text.slice(scheme.length);
  const userEnd = rest.lastIndexOf('@');
  const serverEnd = rest.search(/[?#]/);
  // Either a password with a `?` or a query with an `@`: the two cannot be told apart.
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
