import type { GuardTls } from '../../guard/frontend.js';
import { KeepAliveError } from '../../model/errors.js';
import { readClientTls, readTls, type TlsFiles } from '../io/tls-files.js';

/** The options of the command line, each the path of a file but for the name. */
export interface TlsFlags {
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
  readonly serverTlsCert?: string;
  readonly serverTlsKey?: string;
  readonly serverTlsCa?: string;
  readonly serverTlsName?: string;
}

/**
 * Reads what TLS needs on either side.
 *
 * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT` for options that need another one, and for files that cannot be read
 */
export async function readTlsFlags(flags: TlsFlags): Promise<GuardTls> {
  const { tlsCert, tlsKey, tlsCa, serverTlsCert, serverTlsKey, serverTlsCa, serverTlsName } = flags;
  if (tlsCert === undefined && (tlsKey ?? tlsCa) !== undefined) throw incomplete('--tls-cert');
  if (serverTlsCert === undefined && serverTlsKey !== undefined) throw incomplete('--server-tls-cert');
  const [clients, servers] = await Promise.all([
    tlsCert === undefined ? undefined : readTls(filesOf(tlsCert, tlsKey, tlsCa), '--tls'),
    [serverTlsCert, serverTlsCa, serverTlsName].every((given) => given === undefined)
      ? undefined
      : readClientTls(filesOf(serverTlsCert, serverTlsKey, serverTlsCa, serverTlsName), '--server-tls'),
  ]);
  return { clients, servers };
}

function filesOf(
  certificate?: string,
  key?: string,
  authenticate?: string,
  serverHostname?: string,
): TlsFiles {
  return { certificate, key, authenticate, serverHostname, checkHostname: true, passwordFunction: undefined };
}

function incomplete(option: string): KeepAliveError {
  return new KeepAliveError(
    'ERR_ZEO_INVALID_ARGUMENT',
    `Expected ${option} with the other options of TLS on that side; found none`,
  );
}
