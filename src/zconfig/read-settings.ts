import { receivedValue } from '../model/received-value.js';
import { ConfigError } from './config-error.js';
import type { KeyType } from './datatypes.js';
import { neededValue } from './definitions.js';
import type { Section } from './expand.js';

/** A key that a section knows. `D` is what its values are collected in. */
export interface Key<D> {
  readonly isMultiple: boolean;
  /** Whether nothing becomes of the value: then it may lack an environment variable. */
  readonly isIgnored: boolean;
  readonly expected: string;
  /** `false` if the text is not what the key takes. */
  readonly read: (text: string, draft: D) => boolean;
}

/** The keys of a section by their names, in lower case. */
export type Keys<D> = Readonly<Record<string, Key<D>>>;

/** A key that may be there once, and the property that its value becomes. An empty text is as good as none. */
export function key<D, P extends keyof D>(datatype: KeyType<NonNullable<D[P]>>, property: P): Key<D> {
  return collected(datatype, (draft: D, value) => {
    if (value !== '') draft[property] = value;
  });
}

/** A key that may be there several times, each time with one or more values, and the list that they become. */
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

/** A key that has no meaning here. Its value is checked, as ZConfig would: what Zope refuses is better known early. */
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
 * @throws ConfigError `ERR_ZCONFIG_INVALID` for a key that is unknown or there twice, or for a value that is not what the key
 * takes; `ERR_ZCONFIG_UNDEFINED` for one that lacks an environment variable
 */
export function readSettings<D>(section: Section, keys: Keys<D>, draft: D): void {
  const seen = new Set<string>();
  for (const { key: written, text, at } of section.settings) {
    const name = written.toLowerCase();
    const known = Object.hasOwn(keys, name) ? keys[name] : undefined;
    if (known === undefined) {
      // Which one it is is not shown: a value that slipped onto a line of its own may be a password.
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
