import type { GuardTls } from '../../guard/frontend.js';
import { KeepAliveError } from '../../model/errors.js';
import { readClientTls, readTls, type TlsFiles } from '../../zconfig/tls-files.js';

/** The options of the command line: paths of files, but for the name. */
export interface TlsFlags {
  readonly tlsPassthrough?: boolean;
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
 * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT` for options that need another one, or exclude each other, and for files that cannot be read
 */
export async function readTlsFlags(flags: TlsFlags): Promise<GuardTls> {
  const { tlsCert, tlsKey, tlsCa, serverTlsCert, serverTlsKey, serverTlsCa, serverTlsName } = flags;
  if (flags.tlsPassthrough) {
    // Not whatever else is given on the command line.
    const others = { tlsCert, tlsKey, tlsCa, serverTlsCert, serverTlsKey, serverTlsCa, serverTlsName };
    const found = Object.entries(others).find(([, value]) => value !== undefined);
    if (found !== undefined) throw contradictory(found[0]);
    return { passThrough: true };
  }
  if (tlsCert === undefined && (tlsKey ?? tlsCa) !== undefined) throw incomplete('--tls-cert');
  if (serverTlsCert === undefined && serverTlsKey !== undefined) throw incomplete('--server-tls-cert');
  const [clients, servers] = await Promise.all([
    tlsCert === undefined ? undefined : readTls(filesOf(tlsCert, tlsKey, tlsCa), '--tls-cert'),
    [serverTlsCert, serverTlsCa, serverTlsName].every((given) => given === undefined)
      ? undefined
      : readClientTls(
          filesOf(serverTlsCert, serverTlsKey, serverTlsCa, serverTlsName),
          serverTlsCert === undefined ? '--server-tls-ca' : '--server-tls-cert',
        ),
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

function contradictory(found: string): KeepAliveError {
  const option = `--${found.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  return new KeepAliveError(
    'ERR_ZEO_INVALID_ARGUMENT',
    `Expected no other TLS option with --tls-passthrough, because clients and servers then use their own certificates; found ${option}`,
  );
}

function incomplete(option: string): KeepAliveError {
  return new KeepAliveError(
    'ERR_ZEO_INVALID_ARGUMENT',
    `Expected ${option} with the other TLS options of that side; found none`,
  );
}
