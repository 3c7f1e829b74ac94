import { readFileSync } from 'node:fs';
import type { SocketPorts, TcpState, TcpTable } from './diagnosis.js';

/** `st` of an established connection, `tr` of a zero window probe (Linux, `net/ipv4/tcp_ipv4.c: get_tcp4_sock`). */
const established = '01';
const probing = '04';

/**
 * Reads the established TCP connections of this network namespace. It costs milliseconds on a host with many, so it is for
 * suspicion only.
 *
 * @returns `undefined` where there is no `/proc/net/tcp`: outside Linux
 */
export function readTcpTable(): TcpTable | undefined {
  const texts = ['/proc/self/net/tcp', '/proc/self/net/tcp6'].map(readText);
  if (texts.every((text) => text === undefined)) return undefined;
  return parseTcpTable(texts.join('\n'));
}

/** Reads the lines of `/proc/net/tcp` and `/proc/net/tcp6`. What is no connection is passed over. */
export function parseTcpTable(text: string): TcpTable {
  // `null`: two connections with the same ports, to different addresses.
  const states = new Map<string, TcpState | null>();
  for (const line of text.split('\n')) {
    const [, local = '', remote = '', state, queues = '', timer = '', retransmits = ''] = line
      .trim()
      .split(/\s+/);
    if (state !== established) continue;
    const key = keyOf({ local: portOf(local), remote: portOf(remote) });
    const [unacknowledged = '', unread = ''] = queues.split(':');
    const found: TcpState = {
      unacknowledgedBytes: Number.parseInt(unacknowledged, 16),
      retransmits: Number.parseInt(retransmits, 16),
      windowClosed: timer.startsWith(probing),
      unreadBytes: Number.parseInt(unread, 16),
    };
    states.set(key, states.has(key) ? null : found);
  }
  return { find: (ports) => states.get(keyOf(ports)) ?? undefined };
}

const keyOf = ({ local, remote }: SocketPorts) => `${local} ${remote}`;

/** `0100007F:1FA4` ends in the port, in hexadecimal. */
const portOf = (address: string) => Number.parseInt(address.slice(address.lastIndexOf(':') + 1), 16);

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
