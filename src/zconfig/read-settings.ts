import { receivedValue } from '../model/received-value.js';
import { ConfigError } from './config-error.js';
import type { KeyType } from './datatypes.js';
import { neededValue } from './definitions.js';
import type { Section } from './expand.js';

/** A key of a section. `D` is the draft that its values are collected in. */
export interface Key<D> {
  readonly isMultiple: boolean;
  /** Whether the value is not used: then it may lack an environment variable. */
  readonly isIgnored: boolean;
  readonly expected: string;
  /** `false` if the key does not take the text. */
  readonly read: (text: string, draft: D) => boolean;
}

/** The keys of a section by name, in lower case. */
export type Keys<D> = Readonly<Record<string, Key<D>>>;

/** A key that may occur once, and the property for its value. An empty text counts as absent. */
export function key<D, P extends keyof D>(datatype: KeyType<NonNullable<D[P]>>, property: P): Key<D> {
  return collected(datatype, (draft: D, value) => {
    if (value !== '') draft[property] = value;
  });
}

/** A key that may occur several times, each time with one or more values, and the list for them. */
export function multikey<T, P extends string>(
  datatype: KeyType<readonly T[]>,
  property: P,
): Key<Record<P, T[]>> {
  return {
    ...collected<Record<P, T[]>, readonly T[]>(datatype, (draft, values) => {
      draft[property].push(...values);
    }),
    isMultiple: true,
  };
}

/** A key without a meaning here. Its value is checked nevertheless: what Zope would refuse is better known early. */
export function ignored<T>(datatype: KeyType<T>): Key<unknown> {
  return { ...collected(datatype, () => {}), isIgnored: true };
}

function collected<D, T>({ expected, read }: KeyType<T>, put: (draft: D, value: T) => void): Key<D> {
  return {
    isMultiple: false,
    isIgnored: false,
    expected,
    read: (text, draft) => {
      const value = read(text);
      if (value === undefined) return false;
      put(draft, value);
      return true;
    },
  };
}

/**
 * Reads a section's settings into the draft. Keys are compared in lower case.
 *
 * @throws ConfigError `ERR_ZCONFIG_INVALID` for a key that is unknown or repeated, or a value that the key does not take;
 * `ERR_ZCONFIG_UNDEFINED` for a value that lacks an environment variable
 */
export function readSettings<D>(section: Section, keys: Keys<D>, draft: D): void {
  const seen = new Set<string>();
  for (const { key: written, text, at } of section.settings) {
    const name = written.toLowerCase();
    const known = Object.hasOwn(keys, name) ? keys[name] : undefined;
    if (known === undefined) {
      // The unknown key is not shown: it may be a password that slipped onto a line of its own.
      throw invalid(at, `a key of <${section.type}>: ${Object.keys(keys).join(', ')}`);
    }
    if (seen.has(name) && !known.isMultiple) throw invalid(at, `${name} only once in <${section.type}>`);
    seen.add(name);
    if (known.isIgnored && text.unset !== undefined) continue;
    const value = neededValue(text);
    if (!known.read(value, draft)) {
      throw invalid(at, `${known.expected} after ${name}`, value === '' ? 'nothing' : receivedValue(value));
    }
  }
}

function invalid(at: Section['at'], expected: string, found?: string): ConfigError {
  return new ConfigError('ERR_ZCONFIG_INVALID', at, { expected, found });
}
