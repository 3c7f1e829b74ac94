import { type Datatype, longestSeconds, numeric, parsed, text } from '../model/option-check.js';
import { byteSizeInWords, configBooleans, readBoolean, readByteSize } from '../model/words.js';
import { type Address, parseHostPort, parseSocketPath } from '../zeo/connection/address.js';
import { splitWords, strip } from './whitespace.js';

/** What a key's value may be (ZConfig/datatypes.py). */
export type KeyType<T> = Datatype<T, string>;

/** Any text, including an empty one. */
export const anyText: KeyType<string> = text;

export const boolean: KeyType<boolean> = {
  expected: 'on, yes or true, or off, no or false',
  read: (text) => readBoolean(configBooleans, text),
};

/** What Python's `int()` reads, including `1_000`. */
const whole = /^[+-]?\d+(?:_\d+)*$/;

export const integer: KeyType<number> = { expected: 'a whole number', read: readInteger };

/** Seconds, which are a plain integer in ZConfig: no unit, no decimals. */
export const wholeSeconds: KeyType<number> = parsed(
  readInteger,
  numeric({ least: 0, most: longestSeconds, unit: 'seconds', isWhole: true }),
);

export const byteSize: KeyType<number> = {
  expected: byteSizeInWords,
  read: (text) => readByteSize(text, readInteger),
};

/** The size of a cache: unlike ZConfig's `byte-size` not negative, which would be meaningless. */
export const cacheBytes: KeyType<number> = {
  expected: byteSize.expected,
  read: (text) => {
    const bytes = byteSize.read(text);
    return bytes !== undefined && bytes >= 0 && Number.isSafeInteger(bytes) ? bytes : undefined;
  },
};

/**
 * `socket-connection-address`: HOST:PORT, `[V6]:PORT`, a port of 127.0.0.1, or the path of a unix socket, which is anything
 * with a slash in it, including spaces. Hosts become lower case.
 *
 * Several servers in one line, which ZConfig would take for one strange host, are split at the spaces. Unlike ZConfig it
 * refuses what cannot be connected to: a host without a port, port 0, an invalid host name, a URL.
 */
export const servers: KeyType<readonly Address[]> = {
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
