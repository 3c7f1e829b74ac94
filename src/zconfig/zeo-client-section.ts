/*
 * The sections that stand for a ZEO client: `<zeoclient>` of ZODB (ZODB/component.xml, ZODB/config.py) and
 * `<clientstorage>` of ZEO (ZEO/component.xml, ZEO/zconfig.py). Their keys are nearly the same, so each accepts the keys of
 * both: nobody expects `wait-timeout` to become an error when moving from one to the other.
 */
import { nonEmptyText } from '../model/option-check.js';
import type { Address } from '../zeo/connection/address.js';
import type { ClientStorageOptions } from '../zeo/connection/options.js';
import { ConfigError, plainly } from './config-error.js';
import { anyText, boolean, byteSize, cacheBytes, integer, servers, wholeSeconds } from './datatypes.js';
import { neededValue } from './definitions.js';
import type { Position } from './document.js';
import type { Section } from './expand.js';
import { ignored, type Keys, key, multikey, readSettings } from './read-settings.js';
import { readSslSection, type SslConfig } from './ssl-section.js';

/** A line that names servers. */
export interface ServerSetting {
  readonly addresses: readonly Address[];
  readonly at: Position;
}

/** A client's settings. */
export interface ZeoClientSection {
  readonly options: ClientStorageOptions & { readonly addresses: readonly Address[] };
  readonly servers: readonly ServerSetting[];
  readonly ssl: SslConfig | undefined;
}

type Draft = ClientStorageOptions & { addresses: Address[] };

const keys: Keys<Draft> = {
  server: multikey(servers, 'addresses'),
  storage: key(nonEmptyText, 'storage'),
  name: key(anyText, 'name'),
  wait: key(boolean, 'wait'),
  'wait-timeout': key(wholeSeconds, 'waitTimeout'),
  'read-only': key(boolean, 'readOnly'),
  'read-only-fallback': key(boolean, 'readOnlyFallback'),
  'client-label': key(anyText, 'clientLabel'),
  'cache-size': key(cacheBytes, 'cacheSize'),
  // How an application reads its data, what it keeps on disk, and keys that ZEO itself has long ignored.
  'server-sync': ignored(boolean),
  'cache-path': ignored(anyText),
  client: ignored(anyText),
  var: ignored(anyText),
  'drop-cache-rather-verify': ignored(boolean),
  'blob-dir': ignored(anyText),
  'shared-blob-dir': ignored(boolean),
  'blob-cache-size': ignored(byteSize),
  'blob-cache-size-check': ignored(integer),
  'min-disconnect-poll': ignored(integer),
  'max-disconnect-poll': ignored(integer),
  username: ignored(anyText),
  password: ignored(anyText),
  realm: ignored(anyText),
};

/** Whether the section declares a ZEO client. */
export function isZeoClient({ type }: Section): boolean {
  return type === 'zeoclient' || type === 'clientstorage';
}

/**
 * Reads a section for which {@link isZeoClient} holds.
 *
 * @throws ConfigError `ERR_ZCONFIG_INVALID`, `ERR_ZCONFIG_UNDEFINED`
 */
export function readZeoClient(section: Section): ZeoClientSection {
  const { type, at } = section;
  const draft: Draft = { addresses: [] };
  readSettings(section, keys, draft);
  if (draft.addresses.length === 0) {
    const expected = `a server in <${type}>`;
    throw new ConfigError('ERR_ZCONFIG_INVALID', at, { expected, found: 'none' });
  }
  // In ZEO the two together mean a storage that never writes and accepts any server, as read-only alone does.
  if (draft.readOnly === true) delete draft.readOnlyFallback;
  // `wait_timeout or 30` in ZEO/ClientStorage.py: zero is the default.
  if (draft.waitTimeout === 0) delete draft.waitTimeout;
  return { options: draft, servers: serverSettings(section), ssl: readSsl(section) };
}

/** The settings have been read already, so that each of them is valid. */
function serverSettings({ settings }: Section): readonly ServerSetting[] {
  return settings
    .filter(({ key }) => key.toLowerCase() === 'server')
    .map(({ text, at }) => ({ addresses: servers.read(neededValue(text)) ?? [], at }));
}

function readSsl({ type, sections }: Section): SslConfig | undefined {
  const [ssl, ...others] = sections;
  const wrong = ssl?.type === 'ssl' ? others[0] : ssl;
  if (wrong !== undefined) {
    const expected = `nothing but settings and one <ssl> in <${type}>`;
    const found = `<${plainly(wrong.type, '…')}>`;
    throw new ConfigError('ERR_ZCONFIG_INVALID', wrong.at, { expected, found });
  }
  return ssl === undefined ? undefined : readSslSection(ssl);
}
