import { type ConnectionOptions, createSecureContext } from 'node:tls';
import { KeepAliveError } from '../../model/errors.js';
import {
  anything,
  callback,
  checkOptions,
  flag,
  invalidOption,
  matching,
  type OptionTypes,
  text,
} from '../../model/option-check.js';

/**
 * How a client speaks TLS, with Node's own names and defaults (`tls.connect`): the server's certificate is verified
 * against the system's authorities, and against the host that was dialed.
 *
 * | ZEO's `<ssl>` | here |
 * | --- | --- |
 * | `authenticate` | `ca`: what the server's certificate is signed by, or itself |
 * | `certificate`, `key`, `password-function` | `cert`, `key`, `passphrase`: what the client proves itself with, ZEO's only authentication |
 * | `server-hostname` | `servername`: whose certificate it has to be, if not the dialed host's |
 * | `check-hostname no` | `checkServerIdentity: () => undefined` |
 */
export type TlsOptions = Pick<
  ConnectionOptions,
  | 'ca'
  | 'cert'
  | 'checkServerIdentity'
  | 'ciphers'
  | 'crl'
  | 'key'
  | 'maxVersion'
  | 'minVersion'
  | 'passphrase'
  | 'pfx'
  | 'rejectUnauthorized'
  | 'secureContext'
  | 'servername'
>;

/**
 * Each name that {@link TlsOptions} has: a misspelt one must not leave a server unverified. Node reads the certificates and
 * keys at once, the rest only when it dials, and throws then, where nobody catches it.
 */
const types: OptionTypes<TlsOptions> = {
  ca: anything,
  cert: anything,
  checkServerIdentity: callback,
  ciphers: anything,
  crl: anything,
  key: anything,
  maxVersion: anything,
  minVersion: anything,
  passphrase: anything,
  pfx: anything,
  rejectUnauthorized: flag,
  // Node has no class for it that could be asked.
  secureContext: matching(
    'a SecureContext',
    (given) => typeof given === 'object' && given !== null && 'context' in given,
  ),
  servername: text,
};

const code = 'ERR_ZEO_INVALID_ARGUMENT';

/**
 * The options, with certificates and keys read once for all connections.
 *
 * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT`; it shows no certificate and no key
 */
export function resolveTls(options: unknown): TlsOptions | undefined {
  if (options === undefined || options === false) return undefined;
  if (options === true) return {};
  if (typeof options !== 'object' || options === null) {
    throw invalidOption(code, 'Option tls', 'an object, true or false', options);
  }
  checkOptions(code, options as TlsOptions, types, 'tls.');
  const { secureContext, servername, rejectUnauthorized, checkServerIdentity, ...material } =
    options as TlsOptions;
  if (secureContext !== undefined) {
    const [other] = Object.entries(material).find(([, value]) => value !== undefined) ?? [];
    // Its value is not shown: it may be a key.
    if (other !== undefined)
      throw new KeepAliveError(
        code,
        `Option tls.${other}: expected nothing beside secureContext; received a value`,
      );
  }
  try {
    return {
      secureContext: secureContext ?? createSecureContext(material),
      ...(servername !== undefined && { servername }),
      ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
      ...(checkServerIdentity !== undefined && { checkServerIdentity }),
    };
  } catch (cause) {
    throw new KeepAliveError(
      code,
      'Option tls: expected certificates and keys that node:tls can use; received one that it cannot',
      { cause },
    );
  }
}

/** Whether a socket's error is about TLS itself, and not about the network below. */
export function isTlsError({ code, syscall }: NodeJS.ErrnoException): boolean {
  if (code === undefined) return false;
  // Node gives a lost connection during the handshake no system call.
  return (
    code === 'EPROTO' || /^ERR_(?:SSL|TLS)_/.test(code) || (syscall === undefined && !code.startsWith('E'))
  );
}
