import type { ClientStorageOptions } from '../zeo/connection/options.js';
import type { ZeoClientConfig } from './read-zope-config.js';
import { readClientTls } from './tls-files.js';

export interface Secrets {
  /** The passphrase of the client's key, instead of what the `password-function` would return, which only Python can call. */
  readonly passphrase?: string | undefined;
}

/**
 * The options with which Zope itself would open a client of its configuration, with what is in the files of its `<ssl>`.
 *
 * @example
 * for (const client of await readZopeConfig('/srv/plone/etc/zope.conf'))
 *   databases.open(client.name, await ClientStorage.open({ ...(await storageOptions(client)), wait: false }));
 *
 * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT` if a certificate or key cannot be read or used
 */
export async function storageOptions(
  { name, options, ssl, file, line }: ZeoClientConfig,
  { passphrase }: Secrets = {},
): Promise<ClientStorageOptions> {
  if (ssl === undefined) return options;
  return { ...options, tls: await readClientTls({ ...ssl, passphrase }, `${file}:${line}: ${name}`) };
}
