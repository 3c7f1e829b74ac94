import { receivedValue } from '../zeo/received-value.js';
import { ConfigError, plainly } from './config-error.js';
import type { Datatype } from './datatypes.js';
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

/** A key that may be there once, and what to do with its value. */
export function key<D, T>(datatype: Datatype<T>, put: (draft: D, value: T) => void): Key<D> {
  const { expected } = datatype;
  const read = (text: string, draft: D) => {
    const value = datatype.read(text);
    if (value === undefined) return false;
    put(draft, value);
    return true;
  };
  return { isMultiple: false, isIgnored: false, expected, read };
}

/** The same for a key that may be there several times. */
export function multikey<D, T>(datatype: Datatype<T>, put: (draft: D, value: T) => void): Key<D> {
  return { ...key(datatype, put), isMultiple: true };
}

/** A key that has no meaning here. Its value is checked, as ZConfig would: what Zope refuses is better known early. */
export function ignored<T>(datatype: Datatype<T>): Key<unknown> {
  return { ...key<unknown, T>(datatype, () => {}), isIgnored: true };
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
      throw invalid(at, `a key that <${section.type}> knows`, plainly(written, 'something else'));
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
