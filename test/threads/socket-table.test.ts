import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { addressWords } from '#src/tcp/ip-address.js';
import { SocketTable, SocketTableReader } from '#src/threads/socket-table.js';
import { rowsOf } from './socket-rows.js';

const endpoints = (localPort: number, address = '10.0.0.5', remotePort = 5432) => ({
  localPort,
  remotePort,
  remoteAddress: addressWords(address),
});

describe('The table of sockets', () => {
  it('holds the ports and the address of each connection', () => {
    const table = new SocketTable();
    const slot = table.add(endpoints(65_535, '10.0.0.5', 40_000)) as number;
    table.add(endpoints(1, 'fd00::1'));
    const [first, second, ...rest] = rowsOf(new SocketTableReader(table.buffer));
    assert.deepEqual(rest, []);
    assert.equal(first?.slot, slot);
    assert.equal(first?.localPort, 65_535);
    assert.equal(first?.remotePort, 40_000);
    assert.deepEqual(first?.remoteAddress, [0, 0, 0xffff, 0x0a000005]);
    assert.deepEqual(second?.remoteAddress, [0xfd000000, 0, 0, 1]);
  });

  it('gives a slot that is used again another sequence number', () => {
    const table = new SocketTable();
    const slot = table.add(endpoints(1)) as number;
    const first = table.reader.sequence(slot);
    table.remove(slot);
    assert.equal(table.reader.sequence(slot), 0);
    assert.equal(table.add(endpoints(2)), slot);
    const second = table.reader.sequence(slot);
    assert.ok(first !== 0 && second !== 0 && first !== second);
    assert.equal(table.reader.localPort(slot), 2);
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
      rowsOf(reader).map(({ localPort }) => localPort),
      Array.from({ length: 1000 }, (_, index) => index + 1),
    );
    assert.equal(reader.sequence(5000), 0);
    assert.equal(reader.size, 1000);
  });

  it('is read as whole rows by another thread while it changes', async () => {
    const table = new SocketTable();
    const worker = new Worker(new URL('./workers/reads-the-table.js', import.meta.url), {
      workerData: table.buffer,
    });
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
