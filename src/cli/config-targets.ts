import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { KeepAliveError } from '../errors.js';
import { readZopeConfig } from '../zconfig/read-zope-config.js';
import type { SslConfig } from '../zconfig/ssl-section.js';
import type { TlsOptions } from '../zeo/tls.js';
import type { Target } from './target.js';

/**
 * Every ZEO client of a zope.conf, as Zope itself would open it.
 *
 * @throws ConfigError with file, line and what was expected there; KeepAliveError `ERR_ZEO_INVALID_ARGUMENT` when there
 *   is none, or one whose certificates cannot be had
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

/** What an `<ssl>` section comes to (`ZEO/zconfig.py: ssl_config`). */
async function readTls(ssl: SslConfig, where: string): Promise<TlsOptions> {
  // Without its passphrase the server would be told dead, which it is not.
  if (ssl.passwordFunction !== undefined)
    throw invalid(`${where} has a password-function, which only Python could call`);
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

/** A directory of certificates stands for all of them. */
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
