import { KeepAliveError } from '../model/errors.js';
import { receivedValue } from '../model/received-value.js';
import { addressWords, isLoopback } from '../tcp/ip-address.js';
import { type Destination, type Pattern, parsePattern } from './pattern.js';

/** Which connections to watch, in code. The patterns are those of `ZEO_KEEPALIVE_SOCKETS`. */
export interface SocketSelection {
  /** Only connections that match one of these. Default: all of them. */
  readonly only?: string | readonly string[] | undefined;
  /** None that matches one of these. */
  readonly except?: string | readonly string[] | undefined;
}

/** Decides which connections are watched. */
export class SocketMatcher {
  readonly #patterns: readonly Pattern[];
  readonly #watchesAll: boolean;
  readonly #unmatched: Set<Pattern>;

  private constructor(patterns: readonly Pattern[]) {
    this.#patterns = patterns;
    this.#watchesAll = patterns.every(({ excludes }) => excludes);
    this.#unmatched = new Set(patterns);
  }

  /**
   * Reads the value of `ZEO_KEEPALIVE_SOCKETS`: patterns with commas or spaces between them. With nothing but exclusions, all
   * other connections are watched.
   *
   * @returns `undefined` for an empty value, as for an absent one: no connection is watched
   * @throws KeepAliveError `ERR_KEEPALIVE_INVALID_SETTING` for what is not a pattern
   */
  static fromVariable(value: string | undefined, label = 'ZEO_KEEPALIVE_SOCKETS'): SocketMatcher | undefined {
    const texts = split(value ?? '');
    return texts.length === 0 ? undefined : new SocketMatcher(texts.map((text) => parsePattern(text, label)));
  }

  /** @throws KeepAliveError `ERR_KEEPALIVE_INVALID_SETTING` for what is not a pattern */
  static fromSelection({ only, except }: SocketSelection = {}): SocketMatcher {
    const included = list(only, 'Option only').map((text) => parsePattern(text, 'Option only'));
    if (only !== undefined && included.length === 0)
      throw new KeepAliveError(
        'ERR_KEEPALIVE_INVALID_SETTING',
        'Option only is empty; leave it out to watch all',
      );
    // As exclusions; a second `!` is refused there.
    const excluded = list(except, 'Option except').map((text) => {
      parsePattern(text.startsWith('!') ? `!${text}` : text, 'Option except');
      return parsePattern(`!${text}`, 'Option except');
    });
    return new SocketMatcher([...included, ...excluded]);
  }

  /**
   * Whether to watch a connection: a pattern includes it and none excludes it. One to loopback needs a pattern that means it:
   * `127.0.0.0/8`, `[::1]` or a name, not `all` or a port.
   */
  matches(destination: Destination): boolean {
    const words = addressWords(destination.address);
    const isLocal = isLoopback(words);
    let isIncluded = this.#watchesAll && !isLocal;
    let isExcluded = false;
    // All of them: each is to know whether it ever matched.
    for (const pattern of this.#patterns) {
      if (!pattern.matches(destination, words)) continue;
      if (pattern.excludes) isExcluded = true;
      else if (isLocal && !pattern.namesLoopback) continue;
      else isIncluded = true;
      this.#unmatched.delete(pattern);
    }
    return isIncluded && !isExcluded;
  }

  /** The patterns that have matched no connection so far, as they were written. */
  get unmatched(): readonly string[] {
    return Array.from(this.#unmatched, ({ text }) => text);
  }
}

const split = (text: string) => text.split(/[\s,]+/).filter((part) => part !== '');

function list(value: unknown, label: string): readonly string[] {
  if (value === undefined) return [];
  if (typeof value === 'string') return split(value);
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw new KeepAliveError(
    'ERR_KEEPALIVE_INVALID_SETTING',
    `${label} must be a pattern or an array of patterns, received ${receivedValue(value)}`,
  );
}
