import type { SocketTableReader } from '#src/threads/socket-table.js';

export interface Row {
  readonly slot: number;
  readonly sequence: number;
  readonly localPort: number;
  readonly remotePort: number;
  readonly remoteAddress: readonly number[];
}

/** What is in the table, in the order of the slots; without what changes while it is read. */
export function rowsOf(reader: SocketTableReader): Row[] {
  const rows: Row[] = [];
  for (let slot = 0; slot < reader.size; slot++) {
    const sequence = reader.sequence(slot);
    if (sequence === 0) continue;
    const localPort = reader.localPort(slot);
    const remotePort = reader.remotePort(slot);
    const remoteAddress = [0, 1, 2, 3].map((word) => reader.remoteAddressWord(slot, word));
    if (reader.sequence(slot) === sequence)
      rows.push({ slot, sequence, localPort, remotePort, remoteAddress });
  }
  return rows;
}
