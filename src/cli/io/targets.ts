import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { KeepAliveError } from '../../model/errors.js';
import { readZopeConfig } from '../../zconfig/read-zope-config.js';
import type { SslConfig } from '../../zconfig/ssl-section.js';
import { formatAddress } from '../../zeo/connection/address.js';
import { type ClientStorageOptions, resolveClientOptions } from '../../zeo/connection/options.js';
import type { TlsOptions } from '../../zeo/connection/tls.js';
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
  const given = [...new Set(addresses)].map((text) => {
    // Nothing is ever written, so a read-only server will do. A URI says itself what it wants.
    const options = text.includes('://') ? readTarget(text) : { ...readTarget(text), readOnly: true };
    return { name: nameOf(options), options };
  });
  return uniquelyNamed([...configured, ...given]);
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
 * Every ZEO client of a zope.conf, as Zope itself would open it.
 *
 * @throws ConfigError with file, line and what was expected there; KeepAliveError `ERR_ZEO_INVALID_ARGUMENT` if there is no
 *   client, or if the certificates of one cannot be read
 */
export async function readConfig(file: string): Promise<readonly Target[]> {
  const clients = await readZopeConfig(file);
  if (clients.length === 0) throw invalid(`${file} declares no <zeoclient>`);
  return Promise.all(
    clients.map(async ({ name, options, ssl, file, line }) => {
      if (ssl === undefined) return { name, options };
      return { name, options: { ...options, tls: await readTls(ssl, `${file}:${line}: ${name}`) } };
    }),
  );
}

/** TLS options for an `<ssl>` section (`ZEO/zconfig.py: ssl_config`). */
async function readTls(ssl: SslConfig, where: string): Promise<TlsOptions> {
  // Without the passphrase a healthy server would be reported dead.
  if (ssl.passwordFunction !== undefined)
    throw invalid(`${where} has a password-function, which only Python can call`);
  const read = (name: string) =>
    readFile(name).catch((cause: NodeJS.ErrnoException) => {
      throw invalid(`${where} needs ${name}, which cannot be read: ${cause.code}`, cause);
    });
  const { authenticate, serverHostname } = ssl;
  return {
    cert: await read(ssl.certificate),
    key: await read(ssl.key ?? ssl.certificate),
    ...(authenticate !== undefined && { ca: await Promise.all((await filesIn(authenticate)).map(read)) }),
    ...(serverHostname !== undefined && { servername: serverHostname }),
    ...(!ssl.checkHostname && { checkServerIdentity: () => undefined }),
  };
}

/** A directory stands for all certificates in it. */
async function filesIn(name: string): Promise<string[]> {
  const isDirectory = await stat(name).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return isDirectory ? (await readdir(name)).map((entry) => path.join(name, entry)) : [name];
}

function invalid(message: string, cause?: unknown): KeepAliveError {
  return new KeepAliveError('ERR_ZEO_INVALID_ARGUMENT', message, cause === undefined ? {} : { cause });
}
