import { readFile } from 'node:fs/promises';
import { KeepAliveError } from '../../model/errors.js';
import { isZConfigUri, parseConfigPlace } from '../../zconfig/config-place.js';
import { readZopeConfig } from '../../zconfig/read-zope-config.js';
import { storageOptions } from '../../zconfig/storage-options.js';
import { formatAddress } from '../../zeo/connection/address.js';
import { type ClientStorageOptions, resolveClientOptions } from '../../zeo/connection/options.js';
import { readTarget } from '../../zeo/storage/uri.js';
import { oneLine } from './terminal-text.js';

/** A storage named by the command line or by a configuration. */
export interface Target {
  /** Its name on the screen, in lines and in metrics: unique, and safe to print. */
  readonly name: string;
  readonly options: ClientStorageOptions;
}

/**
 * The storages that the addresses on the command line and the configuration refer to, each once.
 *
 * @throws KeepAliveError `ERR_ZEO_INVALID_ADDRESS`, `ERR_ZEO_INVALID_ARGUMENT`; ConfigError for the configuration
 */
export async function readTargets(
  addresses: readonly string[],
  config: string | undefined,
): Promise<readonly Target[]> {
  const configured = config === undefined ? [] : await readConfig(config);
  const given = await Promise.all(
    [...new Set(addresses)].map(async (text) => (isZConfigUri(text) ? readConfig(text) : [targetOf(text)])),
  );
  return uniquelyNamed([...configured, ...given.flat()]);
}

function targetOf(text: string): Target {
  // Nothing is ever written, so a read-only server will do. A URI says itself what it wants.
  const options = text.includes('://') ? readTarget(text) : { addresses: text.split(','), readOnly: true };
  return { name: nameOf(options), options };
}

/** Each server of each of these storages by itself, so that one which serves does not hide another that is dead. */
export function eachServer(targets: readonly Target[]): readonly Target[] {
  return targets.flatMap(({ name, options }): readonly Target[] => {
    const { address: _, ...others } = options;
    const addresses = resolveClientOptions(options).addresses.map(formatAddress);
    if (addresses.length === 1) return [{ name, options }];
    const isName = name !== addresses.join(',');
    return addresses.map((address) => ({
      name: isName ? `${name} ${address}` : address,
      options: { ...others, addresses: [address] },
    }));
  });
}

/** Numbers the names that occur more than once, makes all of them printable, and checks the options. */
function uniquelyNamed(targets: readonly Target[]): readonly Target[] {
  const taken = new Set<string>();
  return targets.map(({ name: wanted, options }) => {
    resolveClientOptions({ ...options, wait: false });
    const base = oneLine(wanted);
    let name = base;
    for (let number = 2; taken.has(name); number++) name = `${base} (${number})`;
    taken.add(name);
    return { name, options };
  });
}

/** Not the text as given: a URI may contain credentials. */
function nameOf(options: ClientStorageOptions): string {
  const { name, addresses, storage } = resolveClientOptions(options);
  const servers = addresses.map(formatAddress).join(',');
  return name ?? (storage === '1' ? servers : `${servers}/${storage}`);
}

/**
 * Every ZEO client of a zope.conf, or of what a `zconfig:` URI names, as Zope itself would open it.
 *
 * @throws ConfigError with file, line and what was expected there; KeepAliveError `ERR_ZEO_INVALID_ARGUMENT` if there is no
 *   client, or if the certificates of one cannot be read
 */
export async function readConfig(config: string): Promise<readonly Target[]> {
  const clients = await readZopeConfig(config);
  if (clients.length === 0) throw invalid(await whyNoClient(config));
  return Promise.all(
    clients.map(async (client) => ({ name: client.name, options: await storageOptions(client) })),
  );
}

async function whyNoClient(config: string): Promise<string> {
  const { path } = parseConfigPlace(config);
  const isOfServer = /^\s*<zeo>\s*$/im.test(await readFile(path, 'latin1'));
  return isOfServer
    ? `${path} is the configuration of a ZEO server, with a <zeo> section; expected one of clients, with <zeoclient> sections`
    : `${path} declares no <zeoclient>`;
}

function invalid(message: string): KeepAliveError {
  return new KeepAliveError('ERR_ZEO_INVALID_ARGUMENT', message);
}
