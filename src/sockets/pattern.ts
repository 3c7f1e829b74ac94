import { isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import { KeepAliveError } from '../model/errors.js';
import { receivedValue } from '../model/received-value.js';
import {
  type AddressWords,
  addressWords,
  formatEndpoint,
  formatIpAddress,
  isLoopback,
  isMappedIPv4,
  sharePrefix,
} from '../tcp/ip-address.js';

/** Where a connection leads. */
export interface Destination {
  /** The name that the application asked for; absent when it asked for an address. */
  readonly host?: string | undefined;
  /** The address that it is connected to, as `formatIpAddress` writes it. */
  readonly address: string;
  readonly port: number;
}

/** What a connection is called in the log, events and metrics: by its destination, of which there are few. */
export function nameOf({ host, address, port }: Destination): string {
  return `tcp ${formatEndpoint(host ?? address, port)}`;
}

export function addressOf({ address, port }: Destination): string {
  return formatEndpoint(address, port);
}

/** One pattern of `ZEO_KEEPALIVE_SOCKETS`. */
export interface Pattern {
  /** As it was written. */
  readonly text: string;
  /** It begins with `!`: what it matches is left alone. */
  readonly excludes: boolean;
  /** It names this machine's loopback explicitly, which a wildcard, a port or `0.0.0.0/0` does not. */
  readonly namesLoopback: boolean;
  /** @param words the destination's address */
  matches(destination: Destination, words: AddressWords): boolean;
}

const accepted =
  'all, HOST, HOST:PORT, :PORT, *.example.org, 10.0.0.0/8, [fd00::1]:6379 or [fd00::/8], each with a ! before it to exclude';

const syntax = /^(?:\[(?<v6>[^\]]*)\]|(?<host>[^:[\]]*))(?::(?<port>\d{1,5}))?$/;

/**
 * Reads one pattern.
 *
 * @param label what to call the setting in an error
 * @throws KeepAliveError `ERR_KEEPALIVE_INVALID_SETTING`, naming what is not a pattern and what is accepted
 */
export function parsePattern(text: string, label: string): Pattern {
  const excludes = text.startsWith('!');
  const body = excludes ? text.slice(1) : text;
  const parts = syntax.exec(body)?.groups;
  if (parts === undefined) {
    const isUnbracketed = isIPv6(body.split('/', 1)[0] as string);
    throw invalidPattern(label, text, isUnbracketed ? `IPv6 in brackets, such as [${body}]` : accepted);
  }
  const { v6, host = '', port } = parts;
  const isPort = port === undefined || (Number(port) >= 1 && Number(port) <= 65_535);
  const matchHost = v6 === undefined ? hostMatcher(host, port !== undefined) : rangeMatcher(v6, isIPv6);
  if (matchHost === undefined || !isPort) throw invalidPattern(label, text, accepted);
  const wanted = port === undefined ? undefined : Number(port);
  return {
    text,
    excludes,
    namesLoopback: matchHost.namesLoopback,
    matches: (destination, words) =>
      (wanted === undefined || wanted === destination.port) && matchHost.matches(destination, words),
  };
}

/** Never with what may be a password, when somebody sets a whole URI. */
function invalidPattern(label: string, text: string, expected: string): KeepAliveError {
  return new KeepAliveError(
    'ERR_KEEPALIVE_INVALID_SETTING',
    `${label} has the pattern ${receivedValue(text)}; expected ${expected}`,
  );
}

type HostMatcher = Pick<Pattern, 'matches' | 'namesLoopback'>;

const anyHost: HostMatcher = { namesLoopback: false, matches: () => true };

/** `undefined` for what is neither a name nor an address. */
function hostMatcher(host: string, hasPort: boolean): HostMatcher | undefined {
  if (host.toLowerCase() === 'all' || host === '*' || (host === '' && hasPort)) return anyHost;
  if (/^[\d.]+(\/|$)/.test(host)) return rangeMatcher(host, isIPv4);
  const isWildcard = host.startsWith('*.');
  const name = normalName(isWildcard ? host.slice(2) : host);
  if (!isHostName(name)) return undefined;
  // A name that the user wrote out may well lead to this machine; a wildcard may do so by accident.
  if (!isWildcard) return { namesLoopback: true, matches: ({ host }) => hasName(host, name) };
  const suffix = `.${name}`;
  return {
    namesLoopback: name === 'localhost',
    matches: ({ host }) => host !== undefined && normalName(host).endsWith(suffix),
  };
}

/** An address, or a range of them in CIDR notation. */
function rangeMatcher(text: string, isAddress: (text: string) => boolean): HostMatcher | undefined {
  const [address = '', length, ...rest] = text.split('/');
  // A zone means one interface of this machine; what is connected does not tell it reliably.
  if (!isAddress(address) || address.includes('%') || rest.length > 0) return undefined;
  const isV4 = isAddress === isIPv4;
  const most = isV4 ? 32 : 128;
  if (length !== undefined && !(/^\d{1,3}$/.test(length) && Number(length) <= most)) return undefined;
  const prefix = length === undefined ? most : Number(length);
  const words = addressWords(address);
  // IPv4 in its IPv4-mapped form, which `destination.address` never has.
  if (!isV4 && isMappedIPv4(words) && prefix >= 96)
    return rangeMatcher(`${formatIpAddress(words)}/${prefix - 96}`, isIPv4);
  const bits = isV4 ? 96 + prefix : prefix;
  return {
    namesLoopback: isLoopback(words) && prefix >= (isV4 ? 8 : 128),
    // A range of IPv6 addresses does not have the IPv4 addresses in it, though `::/0` has the same bits.
    matches: (_, address) => isMappedIPv4(address) === isV4 && sharePrefix(words, address, bits),
  };
}

const hasName = (host: string | undefined, name: string) => host !== undefined && normalName(host) === name;

/** As DNS compares names: without regard to case, nor to the dot at the end, and in ASCII. */
function normalName(name: string): string {
  const lower = name.toLowerCase().replace(/\.$/, '');
  return /^[\x21-\x7e]*$/.test(lower) ? lower : domainToASCII(lower);
}

/** With the underscore that names of containers have. The last label is not a number, or it would be an address. */
function isHostName(name: string): boolean {
  return (
    name.length <= 253 &&
    /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/.test(name) &&
    !/(?:^|\.)\d+$/.test(name)
  );
}
