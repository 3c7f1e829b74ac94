/**
 * An IP address as the four 32-bit words of an IPv6 address, the highest first. IPv4 has its IPv4-mapped form, so that both
 * spellings of it are one.
 */
export type AddressWords = Uint32Array;

/** The third word of an IPv4 address: `::ffff:10.0.0.5`. */
const mapped = 0xffff;
const dot = 46;
const zero = 48;

/**
 * Takes an address apart that the system wrote: its syntax is not checked.
 *
 * @param text such as `10.0.0.5`, `fd00::1`, `::ffff:10.0.0.5` or `fe80::1%eth0`, whose zone is left out
 */
export function addressWords(text: string): AddressWords {
  if (!text.includes(':')) {
    // `Uint32Array.of` takes several times as long; this is for each connection.
    const words = new Uint32Array(4);
    words[2] = mapped;
    words[3] = ipv4Word(text);
    return words;
  }
  const [address = ''] = text.split('%', 1);
  const [head = [], tail = []] = address.split('::').map(groupsOf);
  const omitted = new Array<number>(Math.max(0, 8 - head.length - tail.length)).fill(0);
  const groups = [...head, ...omitted, ...tail];
  return Uint32Array.from({ length: 4 }, (_, word) => {
    const [high = 0, low = 0] = groups.slice(2 * word);
    return high * 0x10000 + low;
  });
}

function ipv4Word(text: string): number {
  let word = 0;
  let part = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === dot) {
      word = word * 256 + part;
      part = 0;
    } else part = part * 10 + code - zero;
  }
  return word * 256 + part;
}

/** Of one side of `::`. */
function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const word = ipv4Word(group);
    return [word >>> 16, word & 0xffff];
  });
}

/** A number that two addresses have in common only by chance; never 0. That of IPv4 is the same in both of its forms. */
export function addressDigest(words: AddressWords): number {
  const digest = words.reduce((sum, word) => (Math.imul(sum, 31) + word) | 0, 0);
  return digest === 0 ? 1 : digest;
}

/** The usual spelling: IPv4 with dots, IPv6 in lower case and as short as it gets. */
export function formatIpAddress(words: AddressWords): string {
  if (isMappedIPv4(words)) {
    const [, , , word = 0] = words;
    return `${word >>> 24}.${(word >>> 16) & 0xff}.${(word >>> 8) & 0xff}.${word & 0xff}`;
  }
  const groups = Array.from(words).flatMap((word) => [word >>> 16, word & 0xffff]);
  // The URL parser shortens it as RFC 5952 asks.
  return new URL(`http://[${groups.map((group) => group.toString(16)).join(':')}]`).hostname.slice(1, -1);
}

export function isMappedIPv4([first, second, third]: AddressWords): boolean {
  return first === 0 && second === 0 && third === mapped;
}

/** `127.0.0.0/8` or `::1`. */
export function isLoopback(words: AddressWords): boolean {
  const [first, second, third, last = 0] = words;
  if (isMappedIPv4(words)) return last >>> 24 === 127;
  return first === 0 && second === 0 && third === 0 && last === 1;
}

/** Whether the first `bits` bits of two addresses are the same. An IPv4 address has its own bits after the first 96. */
export function sharePrefix(one: AddressWords, other: AddressWords, bits: number): boolean {
  for (let word = 0; 32 * word < bits; word++) {
    const different = (one[word] as number) ^ (other[word] as number);
    if (different >>> Math.max(0, 32 * (word + 1) - bits) !== 0) return false;
  }
  return true;
}

/** An address with a port, as in a URL: `10.0.0.5:5432`, `[fd00::1]:6379`. */
export function formatEndpoint(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
