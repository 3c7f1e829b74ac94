import { isIPv6 } from 'node:net';

/** Where this program listens. */
export interface ListenAddress {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/**
 * Parses `HOST:PORT`, `[V6]:PORT`, `:PORT` or `PORT`; without a host only this machine can connect.
 *
 * @throws TypeError that says what is accepted
 */
export function parseListenAddress(text: string): ListenAddress {
  const parts = /^(?:(?:\[(?<v6>[^\]]+)\]|(?<name>[^:[\]\s]*)):)?(?<port>\d{1,5})$/.exec(text)?.groups;
  const { v6, name, port } = parts ?? {};
  if (port === undefined || Number(port) > 65_535 || (v6 !== undefined && !isIPv6(v6)))
    throw new TypeError('Expected HOST:PORT, [IPV6]:PORT or PORT');
  return { host: v6 ?? (name || '127.0.0.1'), port: Number(port) };
}
