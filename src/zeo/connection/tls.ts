import { isIP } from 'node:net';
import { type ConnectionOptions, checkServerIdentity as checkName, createSecureContext } from 'node:tls';
import { describe } from '../../async/contain.js';
import { isError, KeepAliveError } from '../../model/errors.js';
import {
  anything,
  callback,
  checkOptions,
  flag,
  invalidOption,
  matching,
  nonEmptyText,
  type OptionTypes,
} from '../../model/option-check.js';

/**
 * The TLS options of a client, with Node's names and defaults (`tls.connect`): the server's certificate is verified against
 * Node's certificate authorities, and against the host of the address.
 *
 * | ZEO's `<ssl>` | here |
 * | --- | --- |
 * | `authenticate` | `ca`: the authority that signed the server's certificate, or that certificate itself, if it is self-signed |
 * | `certificate`, `key`, `password-function` | `cert`, `key`, `passphrase`: the client's certificate, which is ZEO's only authentication |
 * | `server-hostname` | `servername`: the name in the server's certificate, if it is not the host of the address |
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
 * Every name of {@link TlsOptions}: a misspelt one must not leave a server unverified. Those typed here are used only when
 * connecting, where an error of Node's would not be caught; certificates and keys are read, and so checked, at once.
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
  // Node exports no class to test for with `instanceof`.
  secureContext: matching(
    'a SecureContext',
    (given) => typeof given === 'object' && given !== null && 'context' in given,
  ),
  servername: nonEmptyText,
};

const code = 'ERR_ZEO_INVALID_ARGUMENT';

/**
 * Checks the options, and reads certificates and keys once for all connections.
 *
 * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT`, which never contains a certificate or key
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
  checkAuthorities(material.ca, 'Option tls.ca');
  if (secureContext !== undefined) {
    const [other] = Object.entries(material).find(([, value]) => value !== undefined) ?? [];
    // The value is not shown, because it may be a key.
    if (other !== undefined)
      throw new KeepAliveError(
        code,
        `Option tls.${other}: expected no other option with secureContext; received a value`,
      );
  }
  try {
    return {
      secureContext: secureContext ?? createSecureContext(material),
      ...(servername !== undefined && identityOf(servername)),
      ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
      ...(checkServerIdentity !== undefined && {
        checkServerIdentity: returningErrors(checkServerIdentity),
      }),
    };
  } catch (cause) {
    throw new KeepAliveError(
      code,
      'Option tls: expected certificates and keys that node:tls accepts; received one that it rejects',
      { cause },
    );
  }
}

/**
 * With an empty `ca` Node trusts every authority that it knows, as without.
 *
 * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT`
 */
export function checkAuthorities(ca: TlsOptions['ca'], what: string): void {
  if (ca === undefined) return;
  const all = Array.isArray(ca) ? ca : [ca];
  if (all.length === 0 || all.some((one) => one.length === 0))
    throw new KeepAliveError(
      code,
      `${what}: expected certificates; received nothing, which would trust all authorities`,
    );
}

/** Node calls it in the handshake, where nothing catches: what it throws would end the process. */
function returningErrors(check: NonNullable<TlsOptions['checkServerIdentity']>): typeof check {
  return (host, certificate) => {
    try {
      return check(host, certificate);
    } catch (error) {
      return isError(error) ? error : new Error(describe(error));
    }
  };
}

/** What the server's certificate has to be for. TLS has no way to ask for an IP address. */
function identityOf(name: string): Pick<TlsOptions, 'servername' | 'checkServerIdentity'> {
  if (isIP(name) === 0) return { servername: name };
  return { checkServerIdentity: (_, certificate) => checkName(name, certificate) };
}

/** Whether a socket error comes from TLS itself, not from the network below it. */
export function isTlsError({ code, syscall }: NodeJS.ErrnoException): boolean {
  if (code === undefined) return false;
  // Node reports a connection lost during the handshake as ECONNRESET without a system call.
  return (
    code === 'EPROTO' || /^ERR_(?:SSL|TLS)_/.test(code) || (syscall === undefined && !code.startsWith('E'))
  );
}
