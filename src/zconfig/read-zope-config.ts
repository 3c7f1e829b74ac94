import { formatAddress } from '../zeo/connection/address.js';
import type { ClientStorageOptions } from '../zeo/connection/options.js';
import { ConfigFiles } from './config-files.js';
import { narrowed, parseConfigPlace } from './config-place.js';
import { Definitions, type Environment } from './definitions.js';
import { expand, type Section } from './expand.js';
import type { SslConfig } from './ssl-section.js';
import {
  isZeoClient,
  readZeoClient,
  type ServerSetting,
  type ZeoClientSection,
} from './zeo-client-section.js';

/** A ZEO client that a configuration declares. */
export interface ZeoClientConfig {
  /**
   * The name that operators know it by: the database (`main` of `<zodb_db main>`), or else the section's name, the storage's
   * name or the servers. If a database has several clients, `main/base` and `main/changes`. Names are not necessarily
   * unique, and may contain any character.
   */
  readonly name: string;
  /** For `ClientStorage.open`. */
  readonly options: ClientStorageOptions;
  /** Where `options.addresses` are written, line by line. */
  readonly servers: readonly ServerSetting[];
  /** The TLS settings, which are not part of `options`: `storageOptions` adds what is in their files. */
  readonly ssl: SslConfig | undefined;
  /** The file in which its section begins. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
}

export interface ReadOptions {
  /** The variables for `$(NAME)`. Default `process.env`. */
  readonly env?: Environment | undefined;
}

interface Found extends ZeoClientSection {
  readonly section: Section;
  /** The enclosing sections, outermost first. */
  readonly around: readonly Section[];
}

/**
 * Every ZEO client of a Zope or Plone configuration, in the order of the file: each `<zeoclient>` and `<clientstorage>`,
 * whatever sections it is in. The syntax is ZConfig's: sections, `%define`, `%include` of files, `$name`, `$(VARIABLE)`. Only
 * the syntax is checked of everything else, so other products' sections do not matter, and `%import` is ignored.
 *
 * @example
 * const clients = await readZopeConfig('/srv/plone/etc/zope.conf', { env: { ZEO_HOST: 'zeo1', ...process.env } });
 * for (const { name, servers } of clients) console.log(name, servers);
 *
 * @param path also a `zconfig:` URI as of Pyramid's `zodbconn.uri`: then the clients of the database or storage that it names,
 * or of the first one
 * @returns an empty list if there are no clients
 * @throws ConfigError with file, line and what was expected there: `ERR_ZCONFIG_READ`, `ERR_ZCONFIG_SYNTAX`,
 * `ERR_ZCONFIG_UNDEFINED`, `ERR_ZCONFIG_INCLUDE`, `ERR_ZCONFIG_LIMIT`, `ERR_ZCONFIG_INVALID`
 */
export async function readZopeConfig(
  path: string,
  { env = process.env }: ReadOptions = {},
): Promise<ZeoClientConfig[]> {
  const files = new ConfigFiles();
  const place = parseConfigPlace(path);
  const document = await files.open(place.path);
  const include = files.include.bind(files);
  return zeoClientsOf(narrowed(await expand(document, new Definitions(env), include), place));
}

/** The same for a configuration that has already been read. */
export function zeoClientsOf(top: Section): ZeoClientConfig[] {
  const found = [...find(top, [])];
  const counts = new Map<string, number>();
  for (const client of found) counts.set(nameOf(client), (counts.get(nameOf(client)) ?? 0) + 1);
  return found.map((client) => {
    const { section, options, servers, ssl } = client;
    const shared = nameOf(client);
    const isShared = (counts.get(shared) ?? 0) > 1;
    const name = isShared ? `${shared}/${section.name ?? options.name ?? options.storage ?? '1'}` : shared;
    return { name, options, servers, ssl, ...section.at };
  });
}

function* find(section: Section, around: readonly Section[]): Generator<Found> {
  if (isZeoClient(section)) yield { section, around, ...readZeoClient(section) };
  else for (const inner of section.sections) yield* find(inner, [...around, section]);
}

/** The storage's name comes last: Plone's installer calls every storage `zeostorage`. */
function nameOf({ section, around, options }: Found): string {
  const database = around.map(databaseName).find((name) => name !== undefined);
  return database ?? section.name ?? options.name ?? options.addresses.map(formatAddress).join(',');
}

/** `section.database_name or self.name` in ZODB/config.py. */
function databaseName({ name, settings }: Section): string | undefined {
  const setting = settings.find(({ key }) => key.toLowerCase() === 'database-name');
  return setting?.text.value || name;
}
