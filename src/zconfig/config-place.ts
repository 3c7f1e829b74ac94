/*
 * `zconfig:` URIs as zodburi reads them (`zodburi/resolvers.py: ZConfigURIResolver`), which Pyramid has in `zodbconn.uri`:
 *
 *     zconfig:///srv/app/zodb.conf          the first database of the file, or else its first storage
 *     zconfig:///srv/app/zodb.conf#main     the one with that name, in lower case as ZConfig has it
 *
 * - The path is taken literally. `zconfig:zodb.conf` is relative to the working directory.
 * - `database_name` and `connection_…` after a question mark have no meaning here and are ignored.
 * - Rejected are other keys, which zodburi ignores or refuses by the kind of section, and a host, which it drops: in
 *   `zconfig://srv/zodb.conf` a slash was most likely forgotten.
 */
import { normalize } from 'node:path';
import { ConfigError, plainly } from './config-error.js';
import type { Section } from './expand.js';

/** A file, or one of its databases. */
export interface ConfigPlace {
  readonly path: string;
  /** Of a section; empty for the first one, `undefined` for the whole file. */
  readonly name: string | undefined;
}

const pattern = /^zconfig:(?:\/\/(?<host>[^/?#]*))?(?<path>[^?#]*)(?:\?(?<query>[^#]*))?(?:#(?<name>.*))?$/s;
const ignoredKey = /^(?:database_name|connection_\w+)$/;

export function isZConfigUri(text: string): boolean {
  return text.startsWith('zconfig:');
}

/**
 * What a path or a `zconfig:` URI refers to.
 *
 * @throws ConfigError `ERR_ZCONFIG_INVALID`
 */
export function parseConfigPlace(text: string): ConfigPlace {
  const parts = pattern.exec(text)?.groups;
  if (parts === undefined) return { path: text, name: undefined };
  const { host, path = '', query = '', name = '' } = parts;
  // The URI itself is not shown: it may contain a password.
  if (host)
    throw invalid(path, 'three slashes before an absolute path, as in zconfig:///etc/zodb.conf', 'a host');
  if (path === '') throw invalid('zconfig:', 'a path, as in zconfig:///etc/zodb.conf', 'none');
  for (const key of new URLSearchParams(query).keys()) {
    if (ignoredKey.test(key)) continue;
    const expected = 'no key but database_name and connection_… in a zconfig: URI';
    throw invalid(path, expected, plainly(key, 'another'));
  }
  return { path: normalize(path), name };
}

/**
 * The configuration without the sections that the place does not refer to.
 *
 * @throws ConfigError `ERR_ZCONFIG_INVALID` if it has no such database or storage
 */
export function narrowed(top: Section, { path, name }: ConfigPlace): Section {
  if (name === undefined) return top;
  const { sections } = top;
  const chosen =
    name === '' ? (sections.find(isDatabase) ?? sections[0]) : sections.find((one) => one.name === name);
  if (chosen !== undefined) return { ...top, sections: [chosen] };
  const names = sections.flatMap((one) => (one.name === undefined ? [] : [plainly(one.name, '…')]));
  const found = names.length === 0 ? 'no section with a name' : `only ${names.join(', ')}`;
  throw invalid(
    path,
    name === '' ? 'a database or storage' : `a database or storage called ${plainly(name, '…')}`,
    found,
  );
}

/** Zope has a section type of its own. */
function isDatabase({ type }: Section): boolean {
  return type === 'zodb' || type === 'zodb_db';
}

function invalid(file: string, expected: string, found: string): ConfigError {
  return new ConfigError('ERR_ZCONFIG_INVALID', { file }, { expected, found });
}
