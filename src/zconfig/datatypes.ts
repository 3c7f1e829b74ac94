import { type Address, parseHostPort, parseSocketPath } from '../zeo/connection/address.js';
import { splitWords, strip } from './whitespace.js';

/** What a key's value can be, as ZConfig/datatypes.py. */
export interface Datatype<T> {
  /** For messages. */
  readonly expected: string;
  /** `undefined` for a text that is none of it. */
  readonly read: (text: string) => T | undefined;
}

/** Any text, the empty one too. */
export const anyText: Datatype<string> = { expected: 'a text', read: (text) => text };

export const text: Datatype<string> = {
  expected: 'a text that is not empty',
  read: (value) => (value === '' ? undefined : value),
};

const words = new Map<string, boolean>([
  ...['yes', 'true', 'on'].map((word) => [word, true] as const),
  ...['no', 'false', 'off'].map((word) => [word, false] as const),
]);

export const boolean: Datatype<boolean> = {
  expected: 'on, yes or true, or off, no or false',
  read: (text) => words.get(text.toLowerCase()),
};

/** As Python's `int()` reads it: `1_000` too. */
const whole = /^[+-]?\d+(?:_\d+)*$/;

export const integer: Datatype<number> = { expected: 'a whole number', read: readInteger };

/** Node's timers hold 2^31 − 1 ms. */
const longestSeconds = Math.floor((2 ** 31 - 1) / 1000);

/** A key of type integer for ZConfig, which counts seconds: no unit, no decimals. */
export const wholeSeconds: Datatype<number> = {
  expected: `a whole number of seconds from 0 to ${longestSeconds}`,
  read: (text) => {
    const seconds = readInteger(text);
    return seconds !== undefined && seconds >= 0 && seconds <= longestSeconds ? seconds : undefined;
  },
};

const multipliers: Readonly<Record<string, number>> = { kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };

export const byteSize: Datatype<number> = {
  expected: 'a number of bytes, or of KB, MB or GB',
  read: (text) => {
    const multiplier = multipliers[text.slice(-2).toLowerCase()];
    const number = readInteger(multiplier === undefined ? text : text.slice(0, -2));
    return number === undefined ? undefined : number * (multiplier ?? 1);
  },
};

/** A `byte-size` that a cache can have: ZConfig lets a negative one pass too, which means nothing. */
export const cacheBytes: Datatype<number> = {
  expected: byteSize.expected,
  read: (text) => {
    const bytes = byteSize.read(text);
    return bytes !== undefined && bytes >= 0 && Number.isSafeInteger(bytes) ? bytes : undefined;
  },
};

/**
 * `socket-connection-address`: HOST:PORT, `[V6]:PORT`, a port of 127.0.0.1, or whatever has a slash in it, which is the path
 * of a unix socket, spaces and all. Hosts are lowered.
 *
 * Several in one line, which ZConfig would take for one strange host, are taken apart at the spaces. Refused, though ZConfig
 * lets it pass, is what nobody can connect to: a host without a port, port 0, a host that is no host name, a URL.
 */
export const servers: Datatype<readonly Address[]> = {
  expected: 'a server: HOST:PORT, [V6]:PORT, PORT, or the path of a unix socket',
  read: (text) => {
    try {
      if (text.includes('://')) return undefined;
      if (text.includes('/')) return [parseSocketPath(text, text)];
      const words = splitWords(text.toLowerCase());
      return words.length === 0 ? undefined : words.map(readServer);
    } catch {
      return undefined;
    }
  },
};

function readServer(word: string): Address {
  return parseHostPort(/^\d+$/.test(word) ? `:${word}` : word, word);
}

function readInteger(text: string): number | undefined {
  const digits = strip(text);
  return whole.test(digits) ? Number(digits.replaceAll('_', '')) : undefined;
}
