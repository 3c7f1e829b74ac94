import { nonEmptyText } from '../model/option-check.js';
import { ConfigError } from './config-error.js';
import { anyText, boolean } from './datatypes.js';
import type { Section } from './expand.js';
import { type Keys, key, readSettings } from './read-settings.js';

/** A client's TLS settings: the `<ssl>` section of a `<clientstorage>` (ZEO/component.xml, ZEO/zconfig.py). */
export interface SslConfig {
  /** Path of the client's certificate, PEM. */
  readonly certificate: string;
  /** Path of its key. If absent, the key is in the certificate's file. */
  readonly key: string | undefined;
  /** Dotted name of a Python function that returns the key's passphrase. Only Python can call it. */
  readonly passwordFunction: string | undefined;
  /** Path of the certificates that servers are verified against, a file or a directory. If absent, the system's. */
  readonly authenticate: string | undefined;
  /** Whether the server's certificate must be for the host that was dialed. */
  readonly checkHostname: boolean;
  /** The host that it must be for instead of the dialed one. */
  readonly serverHostname: string | undefined;
}

type Draft = { -readonly [K in keyof SslConfig]?: SslConfig[K] | undefined };

const keys: Keys<Draft> = {
  certificate: key(nonEmptyText, 'certificate'),
  key: key(anyText, 'key'),
  'password-function': key(anyText, 'passwordFunction'),
  authenticate: key(anyText, 'authenticate'),
  'check-hostname': key(boolean, 'checkHostname'),
  'server-hostname': key(anyText, 'serverHostname'),
};

/**
 * Reads an `<ssl>` section. The paths are as written, and the files need not exist.
 *
 * @throws ConfigError `ERR_ZCONFIG_INVALID`, `ERR_ZCONFIG_UNDEFINED`
 */
export function readSslSection(section: Section): SslConfig {
  const draft: Draft = {};
  readSettings(section, keys, draft);
  const { certificate, key, passwordFunction, authenticate, checkHostname = true, serverHostname } = draft;
  if (certificate === undefined) {
    const expected = 'a certificate in <ssl>';
    throw new ConfigError('ERR_ZCONFIG_INVALID', section.at, { expected, found: 'none' });
  }
  return { certificate, key, passwordFunction, authenticate, checkHostname, serverHostname };
}
