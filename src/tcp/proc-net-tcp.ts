import { closeSync, openSync, readSync } from 'node:fs';
import type { SocketPorts, TableFailure, TcpState, TcpTable } from './diagnosis.js';
import { addressDigest } from './ip-address.js';
import {
  portCount,
  type TableName,
  TcpRowParser,
  TcpStates,
  tcpTables,
  type VisitRow,
  type WantedPorts,
} from './tcp-rows.js';

/** What every table begins with. */
const heading = '  sl  local_address';

/**
 * Reads tables of TCP connections in pieces, into memory of a fixed size: as one text, the table of a busy host would not fit
 * into the worker's heap. Most of what a reading costs is the kernel's: it goes through its table of all connections, however
 * few there are, once for each file.
 */
export class TcpTableReader {
  readonly #parser = new TcpRowParser();
  // The kernel hands over a page at a time, or as many whole lines as fit into one.
  readonly #piece = new Uint8Array(32 * 1024);

  /**
   * Visits the rows of connections whose local port is wanted.
   *
   * @returns why a table cannot be read, if so
   */
  read(path: string, wanted: WantedPorts, visit: VisitRow): TableFailure | undefined {
    let file: number | undefined;
    try {
      file = openSync(path, 'r');
      return this.#readAll(file, wanted, visit) ? undefined : { path, reason: 'malformed' };
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      return { path, reason: reasonOf(code), code };
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }

  /** Returns whether it is a table. */
  #readAll(file: number, wanted: WantedPorts, visit: VisitRow): boolean {
    const piece = this.#piece;
    let kept = 0;
    for (let isFirst = true; ; isFirst = false) {
      const length = kept + readSync(file, piece, kept, piece.length - kept, null);
      if (isFirst && !isHeading(piece, length)) return false;
      if (length === kept) return kept === 0;
      const parsed = this.#parser.parse(piece, length, wanted, visit);
      // A whole piece without the end of a line.
      if (parsed === 0 && length === piece.length) return false;
      piece.copyWithin(0, parsed, length);
      kept = length - parsed;
    }
  }
}

function isHeading(piece: Uint8Array, length: number): boolean {
  if (length < heading.length) return false;
  for (let at = 0; at < heading.length; at++) if (piece[at] !== heading.charCodeAt(at)) return false;
  return true;
}

function reasonOf(code: string): TableFailure['reason'] {
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'absent';
  return code === 'EACCES' || code === 'EPERM' ? 'refused' : 'failed';
}

/**
 * Looks at established TCP connections of this network namespace. It costs milliseconds on a host with many, so it is for
 * suspicion only.
 */
export function readTcpTable(wanted: readonly SocketPorts[], scan: ScanTables = scanTables): TcpTable {
  const first = collect(wanted, scan);
  const missing = wanted.filter((ports) => first.find(ports) === undefined);
  if (first.failure !== undefined || missing.length === 0) return first;
  // The kernel writes the table piece by piece, and passes over a line when others before it vanish meanwhile.
  const second = collect(missing, scan);
  return { find: (ports) => first.find(ports) ?? second.find(ports) };
}

/** One reading of all tables. */
export type ScanTables = (wanted: WantedPorts, visit: VisitRow) => TableFailure | undefined;

/** One reading of one table. */
export type ReadTable = (table: TableName, wanted: WantedPorts, visit: VisitRow) => TableFailure | undefined;

let reader: TcpTableReader | undefined;

/** Reads one of this system's tables. Where there is no IPv6, its table has no rows. */
export const readTable: ReadTable = (table, wanted, visit) => {
  reader ??= new TcpTableReader();
  const failure = reader.read(tcpTables[table], wanted, visit);
  return table === 'ipv6' && failure?.reason === 'absent' ? undefined : failure;
};

const scanTables: ScanTables = (wanted, visit) =>
  readTable('ipv4', wanted, visit) ?? readTable('ipv6', wanted, visit);

function collect(wanted: readonly SocketPorts[], scan: ScanTables): TcpTable {
  const keys = new Set(wanted.map(keyOf));
  const localPorts = new Uint8Array(portCount);
  for (const { local } of wanted) localPorts[local] = 1;
  const found = new Map<string, Found[]>();
  const failure = scan(localPorts, (row) => {
    if (row.state !== TcpStates.established) return;
    const key = keyOf({ local: row.localPort, remote: row.remotePort });
    if (!keys.has(key)) return;
    const one = { state: { ...row }, remoteAddress: addressDigest(row.remoteAddress) };
    found.set(key, [...(found.get(key) ?? []), one]);
  });
  const find = (ports: SocketPorts) => {
    const { remoteAddress: wanted = 0 } = ports;
    const all = found.get(keyOf(ports)) ?? [];
    const own = all.filter(({ remoteAddress }) => wanted === 0 || remoteAddress === wanted);
    // Of two, each may be the one.
    return own.length === 1 ? own[0]?.state : undefined;
  };
  return failure === undefined ? { find } : { find, failure };
}

/** A row of a connection with the wanted ports. */
interface Found {
  readonly state: TcpState;
  readonly remoteAddress: number;
}

const keyOf = ({ local, remote }: SocketPorts) => `${local} ${remote}`;
