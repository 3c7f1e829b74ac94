import { formatAddress } from '../zeo/connection/address.js';
import type { ClientStorageOptions } from '../zeo/connection/options.js';
import { ConfigFiles } from './config-files.js';
import { Definitions, type Environment } from './definitions.js';
import { expand, type Section } from './expand.js';
import type { SslConfig } from './ssl-section.js';
import { isZeoClient, readZeoClient, type ZeoClientSection } from './zeo-client-section.js';

/** A ZEO client that a configuration declares. */
export interface ZeoClientConfig {
  /**
   * What an operator knows it by: the database (`main` of `<zodb_db main>`), or else the name of the section or of the
   * storage, or else the servers. Where a database has several clients, `main/base` and `main/changes`. Names can be equal
   * all the same, and may hold any character.
   */
  readonly name: string;
  /** What `ClientStorage.open` takes. */
  readonly options: ClientStorageOptions;
  /** How it is to speak TLS; `options` say nothing about it. */
  readonly ssl: SslConfig | undefined;
  /** Where its section begins. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
}

export interface ReadOptions {
  /** What `$(NAME)` stands for. Default `process.env`. */
  readonly env?: Environment | undefined;
}

interface Found extends ZeoClientSection {
  readonly section: Section;
  /** The sections around it, the outermost first. */
  readonly around: readonly Section[];
}

/**
 * Every ZEO client of a Zope or Plone configuration, in the order of the file: each `<zeoclient>` and `<clientstorage>`,
 * whatever sections it is in. The syntax is ZConfig's: sections, `%define`, `%include` of files, `$name`, `$(VARIABLE)`. What
 * is no ZEO client is checked for its syntax only, so other products' sections do not matter, and `%import` is passed over.
 *
 * @example
 * for (const { name, options } of await readZopeConfig('/srv/plone/etc/zope.conf')) {
 *   databases.open(name, await ClientStorage.open({ ...options, wait: false }));
 * }
 *
 * @returns empty if there is none
 * @throws ConfigError with the file, the line and what was expected there: `ERR_ZCONFIG_READ`, `ERR_ZCONFIG_SYNTAX`,
 * `ERR_ZCONFIG_UNDEFINED`, `ERR_ZCONFIG_INCLUDE`, `ERR_ZCONFIG_LIMIT`, `ERR_ZCONFIG_INVALID`
 */
export async function readZopeConfig(
  path: string,
  { env = process.env }: ReadOptions = {},
): Promise<ZeoClientConfig[]> {
  const files = new ConfigFiles();
  const document = await files.open(path);
  const include = files.include.bind(files);
  return zeoClientsOf(await expand(document, new Definitions(env), include));
}

/** The same for a configuration that has been read already. */
export function zeoClientsOf(top: Section): ZeoClientConfig[] {
  const found = [...find(top, [])];
  const counts = new Map<string, number>();
  for (const client of found) counts.set(nameOf(client), (counts.get(nameOf(client)) ?? 0) + 1);
  return found.map((client) => {
    const { section, options, ssl } = client;
    const shared = nameOf(client);
    const isShared = (counts.get(shared) ?? 0) > 1;
    const name = isShared ? `${shared}/${section.name ?? options.name ?? options.storage ?? '1'}` : shared;
    return { name, options, ssl, ...section.at };
  });
}

function* find(section: Section, around: readonly Section[]): Generator<Found> {
  if (isZeoClient(section)) yield { section, around, ...readZeoClient(section) };
  else for (const inner of section.sections) yield* find(inner, [...around, section]);
}

/** Plone's installer calls every storage `zeostorage`: that name tells least. */
function nameOf({ section, around, options }: Found): string {
  const database = around.map(databaseName).find((name) => name !== undefined);
  return database ?? section.name ?? options.name ?? options.addresses.map(formatAddress).join(',');
}

/** `section.database_name or self.name` in ZODB/config.py. */
function databaseName({ name, settings }: Section): string | undefined {
  const setting = settings.find(({ key }) => key.toLowerCase() === 'database-name');
  return setting?.text.value || name;
}
