import { isIPv4, isIPv6 } from 'node:net';

/** The second half of the third word of an IPv4 address that is written as IPv6: `::ffff:192.0.2.1`. */
const mapped = 0xffff;

/**
 * An IP address as the four 32-bit words of an IPv6 address, the highest first, so that the two ways to write an IPv4
 * address are one.
 *
 * @returns `undefined` for anything else, such as a host name
 */
export function addressWords(address: string): Uint32Array | undefined {
  if (isIPv4(address)) return Uint32Array.of(0, 0, mapped, ipv4Word(address));
  if (!isIPv6(address)) return undefined;
  const [withoutZone = ''] = address.split('%');
  const [head = [], tail] = withoutZone.split('::').map(groupsOf);
  const omitted = tail === undefined ? 0 : 8 - head.length - tail.length;
  const groups: number[] = [...head, ...new Array<number>(omitted).fill(0), ...(tail ?? [])];
  return Uint32Array.from({ length: 4 }, (_, word) => {
    const [high = 0, low = 0] = groups.slice(2 * word);
    return high * 0x10000 + low;
  });
}

function ipv4Word(address: string): number {
  return address.split('.').reduce((word, part) => word * 256 + Number(part), 0);
}

/** Of one side of `::`. */
function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const word = ipv4Word(group);
    return [Math.floor(word / 0x10000), word % 0x10000];
  });
}
