import { type ConnectionOptions, createSecureContext } from 'node:tls';
import { KeepAliveError } from '../../model/errors.js';
import { receivedValue } from '../../model/received-value.js';

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

/** Each name that {@link TlsOptions} has; a misspelt one must not leave a server unverified. */
const names: Readonly<Record<keyof TlsOptions, true>> = {
  ca: true,
  cert: true,
  checkServerIdentity: true,
  ciphers: true,
  crl: true,
  key: true,
  maxVersion: true,
  minVersion: true,
  passphrase: true,
  pfx: true,
  rejectUnauthorized: true,
  secureContext: true,
  servername: true,
};

/**
 * The options, with certificates and keys read once for all connections.
 *
 * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT`; it shows no certificate and no key
 */
export function resolveTls(options: unknown): TlsOptions | undefined {
  if (options === undefined || options === false) return undefined;
  if (options === true) return {};
  if (typeof options !== 'object' || options === null) {
    throw invalid(`The option tls must be an object, true or false, received ${receivedValue(options)}`);
  }
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(names, name));
  if (unknown !== undefined) throw invalid(`Unknown option ${receivedValue(unknown)} in tls`);
  const { secureContext, servername, rejectUnauthorized, checkServerIdentity, ...material } =
    options as TlsOptions;
  check('servername', servername, 'string');
  check('rejectUnauthorized', rejectUnauthorized, 'boolean');
  check('checkServerIdentity', checkServerIdentity, 'function');
  if (secureContext !== undefined) {
    if (!isSecureContext(secureContext))
      throw invalid('The option secureContext in tls must be a SecureContext');
    const [other] = Object.entries(material).find(([, value]) => value !== undefined) ?? [];
    if (other !== undefined) throw invalid(`The option ${other} in tls has no effect beside secureContext`);
  }
  try {
    return {
      secureContext: secureContext ?? createSecureContext(material),
      ...(servername !== undefined && { servername }),
      ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
      ...(checkServerIdentity !== undefined && { checkServerIdentity }),
    };
  } catch (cause) {
    throw invalid('The option tls has a certificate or a key that cannot be used', cause);
  }
}

/** Node looks at these only when it dials, and throws then, where nobody catches it. */
function check(name: keyof TlsOptions, value: unknown, type: 'string' | 'boolean' | 'function'): void {
  if (value === undefined || typeof value === type) return;
  throw invalid(`The option ${name} in tls must be a ${type}, received ${receivedValue(value)}`);
}

/** Node has no class for it that could be asked. */
function isSecureContext(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'context' in value;
}

/** Whether a socket's error is about TLS itself, and not about the network below. */
export function isTlsError({ code, syscall }: NodeJS.ErrnoException): boolean {
  if (code === undefined) return false;
  // Node gives a lost connection during the handshake no system call.
  return (
    code === 'EPROTO' || /^ERR_(?:SSL|TLS)_/.test(code) || (syscall === undefined && !code.startsWith('E'))
  );
}

function invalid(message: string, cause?: unknown): KeepAliveError {
  return new KeepAliveError('ERR_ZEO_INVALID_ARGUMENT', message, cause === undefined ? {} : { cause });
}
