import { readFileSync } from 'node:fs';
import type { SocketPorts, TcpState, TcpTable } from './diagnosis.js';

/** `st` of an established connection, `tr` of a zero window probe (Linux, `net/ipv4/tcp_ipv4.c: get_tcp4_sock`). */
const established = '01';
const probing = '04';
const lineFeed = 10;
const colon = 58;

/**
 * Looks at established TCP connections of this network namespace. It costs milliseconds on a host with many, so it is for
 * suspicion only.
 *
 * @returns `undefined` where there is no `/proc/net/tcp`: outside Linux
 */
export function readTcpTable(wanted: readonly SocketPorts[], read = readTables): TcpTable | undefined {
  const first = read();
  if (first === undefined) return undefined;
  const table = parseTcpTable(first, wanted);
  const missing = wanted.filter((ports) => table.find(ports) === undefined);
  if (missing.length === 0) return table;
  // The kernel writes the table piece by piece, and passes over a line when others before it vanish meanwhile.
  const again = read();
  const second = again && parseTcpTable(again, missing);
  return { find: (ports) => table.find(ports) ?? second?.find(ports) };
}

/** Reads the lines of `/proc/net/tcp` and `/proc/net/tcp6`. What is no connection, or not wanted, is passed over. */
export function parseTcpTable(table: Buffer, wanted: readonly SocketPorts[]): TcpTable {
  const keys = new Set(wanted.map(keyOf));
  // What costs is to take a line apart, and on a host with many connections nearly all are somebody else's.
  const ports = new Set(wanted.map(({ local }) => local));
  // `null`: two connections with the same ports, to different addresses.
  const states = new Map<string, TcpState | null>();
  // Line by line from the buffer: as one text, the table of a busy host would not fit into the worker's heap.
  for (let start = 0; start < table.length; ) {
    const lineEnd = table.indexOf(lineFeed, start);
    const end = lineEnd === -1 ? table.length : lineEnd;
    const begin = start;
    start = end + 1;
    if (!ports.has(localPortIn(table, begin))) continue;
    const fields = table.toString('latin1', begin, end).trim().split(/\s+/, 7);
    const [, local = '', remote = '', state, queues = '', timer = '', retransmits = ''] = fields;
    if (state !== established) continue;
    const key = keyOf({ local: portOf(local), remote: portOf(remote) });
    if (!keys.has(key)) continue;
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

/** Of `  12: 0100007F:1FA4 …`; `NaN` in a line that is none of those. */
function localPortIn(table: Buffer, lineStart: number): number {
  const afterNumber = table.indexOf(colon, lineStart);
  const beforePort = table.indexOf(colon, afterNumber + 1);
  return Number.parseInt(table.toString('latin1', beforePort + 1, beforePort + 5), 16);
}

const keyOf = ({ local, remote }: SocketPorts) => `${local} ${remote}`;

/** `0100007F:1FA4` ends in the port, in hexadecimal. */
const portOf = (address: string) => Number.parseInt(address.slice(address.lastIndexOf(':') + 1), 16);

function readTables(): Buffer | undefined {
  const tables = ['/proc/self/net/tcp', '/proc/self/net/tcp6']
    .map(readTable)
    .filter((table) => table !== undefined);
  return tables.length === 0 ? undefined : Buffer.concat(tables);
}

function readTable(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
