/** An IP address as 16 bytes in network order. IPv4 has its IPv4-mapped form, so that both spellings of it are equal. */
export type AddressBytes = Uint8Array;

const mappedPrefix = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/**
 * Takes an address apart that the system wrote: its syntax is not checked.
 *
 * @param text such as `10.0.0.5`, `fd00::1`, `::ffff:10.0.0.5` or `fe80::1%eth0`, whose zone is left out
 */
export function addressBytes(text: string): AddressBytes {
  if (!text.includes(':')) return Uint8Array.from([...mappedPrefix, ...text.split('.').map(Number)]);
  const [address = ''] = text.split('%', 1);
  const [head = '', tail] = address.split('::');
  const before = groupBytes(head);
  const after = tail === undefined ? [] : groupBytes(tail);
  const gap = new Array<number>(Math.max(0, 16 - before.length - after.length)).fill(0);
  return Uint8Array.from([...before, ...gap, ...after]);
}

function groupBytes(groups: string): number[] {
  if (groups === '') return [];
  return groups.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

/** The usual spelling: IPv4 with dots, IPv6 in lower case and as short as it gets. */
export function formatAddress(bytes: AddressBytes): string {
  if (isMappedIPv4(bytes)) return bytes.subarray(12).join('.');
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[2 * index] as number) << 8) | (bytes[2 * index + 1] as number)).toString(16),
  );
  // The URL parser shortens it as RFC 5952 asks.
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

export function isMappedIPv4(bytes: AddressBytes): boolean {
  return mappedPrefix.every((byte, index) => bytes[index] === byte);
}

/** `127.0.0.0/8` or `::1`. */
export function isLoopback(bytes: AddressBytes): boolean {
  if (isMappedIPv4(bytes)) return bytes[12] === 127;
  return bytes.every((byte, index) => byte === (index === 15 ? 1 : 0));
}

/** An address with a port, as in a URL: `10.0.0.5:5432`, `[fd00::1]:6379`. */
export function formatEndpoint(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
