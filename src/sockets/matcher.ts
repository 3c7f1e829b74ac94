import { KeepAliveError } from '../model/errors.js';
import { anything, checkOptions, invalidOption } from '../model/option-check.js';
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
  /** Those that have matched a connection to loopback without meaning it. */
  readonly #onLoopback = new Set<Pattern>();

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
   * @throws KeepAliveError `ERR_KEEPALIVE_INVALID_SETTING` for what is not a pattern, or has none
   */
  static fromVariable(value: string | undefined, label = 'ZEO_KEEPALIVE_SOCKETS'): SocketMatcher | undefined {
    if (value === undefined || value.trim() === '') return undefined;
    const texts = split(value);
    // Only separators: most likely a mistake, and neither all nor none is a safe guess.
    if (texts.length === 0) throw invalidOption(code, label, expectedSelection, value);
    return new SocketMatcher(texts.map((text) => parsePattern(text, label)));
  }

  /**
   * @param selection patterns to include, or what to include and to leave out
   * @throws KeepAliveError `ERR_KEEPALIVE_INVALID_SETTING` for what is not a pattern, and for anything else that could be meant to
   * watch less than it would
   */
  static fromSelection(
    selection: SocketSelection | string | readonly string[] = {},
    label = 'Option sockets',
  ): SocketMatcher {
    if (typeof selection === 'string' || isList(selection)) {
      const texts = list(selection, label);
      if (texts.length === 0) throw invalidOption(code, label, expectedSelection, selection);
      return new SocketMatcher(texts.map((text) => parsePattern(text, label)));
    }
    if (!isPlainObject(selection)) throw invalidOption(code, label, expectedSelection, selection);
    checkOptions<SocketSelection>(code, selection, { only: anything, except: anything });
    const { only, except } = selection;
    const included = list(only, 'Option only').map((text) => parsePattern(text, 'Option only'));
    if (only !== undefined && included.length === 0)
      throw new KeepAliveError(code, 'Option only is empty; leave it out to watch all connections');
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
   *
   * @param words the destination's address
   */
  matches(destination: Destination, words = addressWords(destination.address)): boolean {
    const isLocal = isLoopback(words);
    let isIncluded = this.#watchesAll && !isLocal;
    let isExcluded = false;
    // All of them: each is to know whether it ever matched.
    for (const pattern of this.#patterns) {
      if (!pattern.matches(destination, words)) continue;
      if (pattern.excludes) isExcluded = true;
      else if (isLocal && !pattern.namesLoopback) {
        this.#onLoopback.add(pattern);
        continue;
      } else isIncluded = true;
      this.#unmatched.delete(pattern);
    }
    return isIncluded && !isExcluded;
  }

  /** The patterns that were to include connections and have matched none so far, as they were written. */
  get unmatched(): readonly string[] {
    return this.#missing.filter((pattern) => !this.#onLoopback.has(pattern)).map(({ text }) => text);
  }

  /** Those that have matched connections to loopback only, which are not watched unless a pattern names them. */
  get unmatchedButOnLoopback(): readonly string[] {
    return this.#missing.filter((pattern) => this.#onLoopback.has(pattern)).map(({ text }) => text);
  }

  get #missing(): readonly Pattern[] {
    return Array.from(this.#unmatched).filter(({ excludes }) => !excludes);
  }
}

const code = 'ERR_KEEPALIVE_INVALID_SETTING';
const expectedSelection =
  'patterns such as all, db.example.org:5432 or 10.0.0.0/8, or an object with only and except';

const isList = (value: unknown): value is readonly string[] => Array.isArray(value);

function isPlainObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

const split = (text: string) => text.split(/[\s,]+/).filter((part) => part !== '');

function list(value: unknown, label: string): readonly string[] {
  if (value === undefined) return [];
  if (typeof value === 'string') return split(value);
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw invalidOption(code, label, 'a pattern or an array of patterns', value);
}
