import { isIPv4, isIPv6 } from 'node:net';
import { KeepAliveError } from '../../model/errors.js';
import { receivedAddress, receivedValue } from '../../model/received-value.js';

/** A server that listens on a TCP port. */
export interface TcpAddress {
  readonly host: string;
  readonly port: number;
}

/** A server that listens on a unix domain socket. */
export interface UnixAddress {
  readonly path: string;
}

/** Where one server listens. */
export type Address = TcpAddress | UnixAddress;

/**
 * Where one server listens, as a user writes it:
 *
 * | written | means |
 * | --- | --- |
 * | `'db.example.org:8100'`, `'[::1]:8100'` | host and port |
 * | `':8100'`, `'8100'`, `8100` | that port of this machine, 127.0.0.1 |
 * | `'/run/zeo.sock'`, `'./zeo.sock'`, `'var/zeo.sock'` | unix domain socket: it has a slash and no colon, or starts with `/`, `./` or `../` |
 * | `{ host, port }`, `{ path }` | the same in parts; `host` may be missing |
 */
export type AddressLike = string | number | { host?: string | undefined; port: number } | UnixAddress;

/** As in ZEO, for an address without a host (`ZEO/ClientStorage.py`, `asyncio/client.py`). */
const defaultHost = '127.0.0.1';

/** `sockaddr_un.sun_path` on Linux has room for 107 bytes and the final zero. */
const maxPathBytes = 107;

/**
 * Parses and checks one address.
 *
 * @throws KeepAliveError `ERR_ZEO_INVALID_ADDRESS`
 */
export function parseAddress(value: unknown): Address {
  if (typeof value === 'number') return { host: defaultHost, port: checkPort(value, value) };
  if (typeof value === 'string') return parseText(value);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return parseObject(value);
  throw invalid(value, 'expected a string, a port or an object');
}

/**
 * Parses and checks one address or a list, and removes repeated ones.
 *
 * @throws KeepAliveError `ERR_ZEO_INVALID_ADDRESS`
 */
export function parseAddresses(value: unknown): readonly Address[] {
  if (!Array.isArray(value)) return [parseAddress(value)];
  if (value.length === 0) throw invalid(value, 'the list is empty');
  const byText = new Map(value.map(parseAddress).map((address) => [formatAddress(address), address]));
  return [...byText.values()];
}

/** The address as a string; the inverse of {@link parseAddress}. */
export function formatAddress(address: Address): string {
  if ('path' in address) return address.path;
  return isIPv6(address.host) ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/**
 * Parses `host:port`. The host may be missing; the port only with a `defaultPort`.
 *
 * @param received the value to show in an error
 * @throws KeepAliveError `ERR_ZEO_INVALID_ADDRESS`
 */
export function parseHostPort(text: string, received: unknown, defaultPort?: number): TcpAddress {
  const match = /^(?:\[(?<v6>[^\]]*)\]|(?<name>[^:[\]]*))(?::(?<port>[^:]*))?$/.exec(text)?.groups;
  if (match === undefined) throw invalid(received, 'it is not HOST:PORT (an IPv6 host goes in brackets)');
  const { v6, name = '', port } = match;
  if (v6 !== undefined && !isIPv6(v6)) throw invalid(received, 'the brackets must hold an IPv6 address');
  const host = v6 ?? (name === '' ? defaultHost : checkHost(name, received));
  if (port === undefined && defaultPort !== undefined) return { host, port: defaultPort };
  if (port === undefined) throw invalid(received, 'it has no port');
  // Number('') is 0 and Number('0x1') is 1: digits only.
  return { host, port: checkPort(/^\d{1,5}$/.test(port) ? Number(port) : Number.NaN, received) };
}

/**
 * Checks the path of a unix domain socket.
 *
 * @param received the value to show in an error
 * @throws KeepAliveError `ERR_ZEO_INVALID_ADDRESS`
 */
export function parseSocketPath(path: unknown, received: unknown): UnixAddress {
  if (typeof path !== 'string' || path === '' || path.includes('\0'))
    throw invalid(received, 'the path is empty or has a NUL');
  if (Buffer.byteLength(path) > maxPathBytes) {
    throw invalid(received, `expected a socket path of at most ${maxPathBytes} bytes`);
  }
  return { path };
}

/** The error for an invalid address. */
export function invalid(received: unknown, why: string): KeepAliveError {
  return new KeepAliveError(
    'ERR_ZEO_INVALID_ADDRESS',
    `Invalid ZEO address ${receivedAddress(received)}: ${why}`,
  );
}

function parseText(text: string): Address {
  if (/^\.{0,2}\//.test(text)) return parseSocketPath(text, text);
  if (text.includes('/') && !text.includes(':')) return parseSocketPath(text, text);
  if (/^\d+$/.test(text)) return parseHostPort(`:${text}`, text);
  return parseHostPort(text, text);
}

function parseObject(value: object): Address {
  const { path, host, port, ...others } = value as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw invalid(value, `it has an unknown property ${receivedValue(unknown)}`);
  if (path !== undefined) {
    if (host !== undefined || port !== undefined)
      throw invalid(value, 'it has both a path and a host or port');
    return parseSocketPath(path, path);
  }
  if (host !== undefined && typeof host !== 'string') throw invalid(host, 'the host must be a string');
  return {
    host: host === undefined || host === '' ? defaultHost : checkHost(host, host),
    port: checkPort(port, port ?? value),
  };
}

function checkHost(host: string, received: unknown): string {
  if (isIPv6(host)) return host;
  const isName = /^[\p{L}\p{N}_](?:[\p{L}\p{N}._-]*[\p{L}\p{N}_.])?$/u.test(host) && host.length <= 253;
  const isBrokenIp = /^[\d.]+$/.test(host) && !isIPv4(host);
  if (!isName || isBrokenIp) throw invalid(received, 'the host is neither a host name nor an IP address');
  return host;
}

function checkPort(port: unknown, received: unknown): number {
  if (typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw invalid(received, 'the port must be a number from 1 to 65535');
}

/** Whether other machines can connect to an address. */
export function isReachableFromOutside(address: Address): boolean {
  if ('path' in address) return false;
  return address.host !== 'localhost' && !/^(?:127\.|::1$)/.test(address.host);
}
