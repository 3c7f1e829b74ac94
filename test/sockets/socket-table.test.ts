import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { addressBytes } from '#src/sockets/ip-address.js';
import { SocketTable, SocketTableReader } from '#src/sockets/socket-table.js';

const endpoints = (localPort: number, address = '10.0.0.5', remotePort = 5432) => ({
  localPort,
  remotePort,
  remoteAddress: addressBytes(address),
});

describe('The table of sockets', () => {
  it('holds the ports and the address of each connection', () => {
    const table = new SocketTable();
    const slot = table.add(endpoints(65_535, '10.0.0.5', 40_000)) as number;
    const [row, ...rest] = new SocketTableReader(table.buffer);
    assert.deepEqual(rest, []);
    assert.equal(row?.slot, slot);
    assert.equal(row?.sequence, table.sequence(slot));
    assert.equal(row?.localPort, 65_535);
    assert.equal(row?.remotePort, 40_000);
    assert.deepEqual(new Uint8Array(row?.remoteAddress.buffer as ArrayBuffer), addressBytes('10.0.0.5'));
  });

  it('has an address as /proc/net/tcp and tcp6 print it', () => {
    const table = new SocketTable();
    table.add(endpoints(1, '127.0.0.1'));
    table.add(endpoints(2, '2001:db8::1'));
    const print = (words: Uint32Array) =>
      Array.from(words, (word) => word.toString(16).padStart(8, '0').toUpperCase()).join('');
    // proc(5): in the byte order of the host.
    const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
    const [first, second] = Array.from(table.reader, ({ remoteAddress }) => print(remoteAddress));
    if (!isLittleEndian) return;
    assert.equal(first?.slice(-8), '0100007F');
    assert.equal(second, 'B80D0120000000000000000001000000');
  });

  it('gives a slot that is used again another sequence number', () => {
    const table = new SocketTable();
    const slot = table.add(endpoints(1)) as number;
    const sequence = table.sequence(slot);
    assert.ok(table.reader.has(slot, sequence));
    table.remove(slot);
    assert.ok(!table.reader.has(slot, sequence));
    assert.ok(!table.reader.has(slot, table.sequence(slot)), 'a free slot is not a connection');
    assert.equal(table.reader.row(slot), undefined);
    assert.equal(table.add(endpoints(2)), slot);
    assert.ok(!table.reader.has(slot, sequence));
    assert.ok(table.reader.has(slot, table.sequence(slot)));
  });

  it('has a version that changes with each connection, and their count', () => {
    const table = new SocketTable();
    const { reader } = table;
    const versions = new Set([reader.version]);
    const slots = [1, 2, 3].map((port) => {
      const slot = table.add(endpoints(port)) as number;
      versions.add(reader.version);
      return slot;
    });
    assert.equal(reader.count, 3);
    for (const slot of slots) {
      table.remove(slot);
      versions.add(reader.version);
    }
    assert.equal(reader.count, 0);
    assert.equal(versions.size, 7);
  });

  it('grows under a reader that was made before', () => {
    const table = new SocketTable();
    const reader = new SocketTableReader(table.buffer);
    for (let port = 1; port <= 1000; port++) table.add(endpoints(port));
    assert.deepEqual(
      Array.from(reader, ({ localPort }) => localPort),
      Array.from({ length: 1000 }, (_, index) => index + 1),
    );
    assert.equal(reader.row(5000), undefined);
    assert.equal(table.used, 1000);
  });

  it('is read as whole rows by another thread while it changes', async () => {
    const table = new SocketTable();
    const worker = new Worker(new URL('./reads-the-table.js', import.meta.url), { workerData: table.buffer });
    const result = once(worker, 'message');
    let ended = false;
    void result.then(() => {
      ended = true;
    });
    const slots: number[] = [];
    // Port and address of a row belong together; the worker checks it.
    for (let count = 0; !ended; count++) {
      const port = 1 + (count % 60_000);
      slots.push(table.add(endpoints(port, `10.0.${port >> 8}.${port & 255}`, port)) as number);
      if (slots.length > 50) table.remove(slots.shift() as number);
      if (count % 1000 === 0) await new Promise(setImmediate);
    }
    const [{ rows, torn }] = await result;
    assert.equal(torn, 0);
    assert.ok(rows > 10_000, `${rows} rows`);
    await worker.terminate();
  });
});
