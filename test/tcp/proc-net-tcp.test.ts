import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { SocketPorts, TcpState } from '#src/tcp/diagnosis.js';
import { addressDigest, addressWords } from '#src/tcp/ip-address.js';
import { readTcpTable, type ScanTables, TcpTableReader } from '#src/tcp/proc-net-tcp.js';
import { portsOf } from '#src/tcp/socket-view.js';
import { portCount, TcpRowParser, TcpTimers } from '#src/tcp/tcp-rows.js';
import { recordedIpv4, recordedIpv6 } from './recorded-table.js';

/** A system that shows these tables, one at each reading. */
function showing(...tables: string[]): ScanTables {
  return (wanted, visit) => {
    const bytes = Buffer.from(tables.shift() ?? '');
    new TcpRowParser().parse(bytes, bytes.length, wanted, visit);
    return undefined;
  };
}

const recorded = recordedIpv4 + recordedIpv6;

describe('A look at the table of TCP connections', () => {
  const find = (local: number) => {
    const wanted: SocketPorts = { local, remote: 8100 };
    return readTcpTable([wanted], showing(recorded, recorded)).find(wanted);
  };

  it('is taken again for a connection that the first one has passed over', () => {
    const lines = recorded.split('\n');
    const without = lines.filter((line) => !line.includes(':C351')).join('\n');
    const tables = [without, recorded, recorded];
    const wanted = [0xc350, 0xc351].map((local) => ({ local, remote: 8100 }));
    const table = readTcpTable(wanted, (ports, visit) => showing(tables.shift() ?? '')(ports, visit));
    assert.deepEqual(
      wanted.map((ports) => table.find(ports)?.unreadBytes),
      [0, 3],
    );
    assert.equal(tables.length, 1);
  });

  it('shows how far what was sent has got', () => {
    const { unacknowledgedBytes, retransmits, unansweredProbes } = find(0xc350) as TcpState;
    assert.deepEqual([unacknowledgedBytes, retransmits, unansweredProbes], [32, 4, 0]);
    assert.equal(find(0xc351)?.unansweredProbes, 2);
    assert.equal(find(0xc353)?.timer, TcpTimers.windowProbe);
  });

  it('shows only what is established, and nothing of ports that two connections share', () => {
    assert.equal(find(0xc352), undefined);
    assert.equal(find(0xc354), undefined);
    assert.equal(find(0xc355), undefined);
    assert.equal(find(1), undefined);
  });

  it('tells connections with the same ports by the addresses that they are connected to', () => {
    const wanted = ['192.0.0.1', '192.0.0.3', '::ffff:192.0.0.3', '192.0.0.4'].map((address) => ({
      local: 0xc354,
      remote: 8100,
      remoteAddress: addressDigest(addressWords(address)),
    }));
    const tables = recorded.replace('C354 030000C0:1FA4 01 00000000', 'C354 030000C0:1FA4 01 00000005');
    const table = readTcpTable(wanted, showing(tables, tables));
    assert.deepEqual(
      wanted.map((ends) => table.find(ends)?.unacknowledgedBytes),
      [0, 5, 5, undefined],
    );
  });

  it('says why there is no table', () => {
    const failure = { path: '/proc/self/net/tcp', reason: 'refused', code: 'EACCES' } as const;
    const table = readTcpTable([{ local: 1, remote: 2 }], () => failure);
    assert.deepEqual(table.failure, failure);
    assert.equal(table.find({ local: 1, remote: 2 }), undefined);
  });

  it('shows a connection of this process, where the system is Linux', async (t) => {
    if (process.platform !== 'linux') return t.skip('there is no /proc/net/tcp');
    const server = createServer((socket) => socket.pause()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    const ports = { local: socket.localPort as number, remote: port };
    const table = readTcpTable([ports]);
    assert.equal(table.failure, undefined);
    assert.equal(table.find(ports)?.retransmits, 0);
  });
});

describe('The ends of a socket', () => {
  it('find it among those from the same port to the same port of other addresses', async (t) => {
    if (process.platform !== 'linux') return t.skip('there is no /proc/net/tcp');
    const open = async (host: string, port: number, localPort?: number) => {
      const server = createServer((socket) => socket.pause()).listen(port, host);
      await once(server, 'listening');
      t.after(() => server.close());
      const { port: given } = server.address() as AddressInfo;
      const socket = connect({
        port: given,
        host,
        localAddress: '127.0.0.1',
        ...(localPort && { localPort }),
      });
      t.after(() => socket.destroy());
      await Promise.all([once(socket, 'connect'), once(server, 'connection')]);
      return socket;
    };
    const one = await open('127.0.0.1', 0);
    const other = await open('127.0.0.2', one.remotePort as number, one.localPort);
    const ends = [one, other].map((socket) => portsOf(socket) as SocketPorts);
    assert.equal(ends[0]?.local, ends[1]?.local);
    const table = readTcpTable(ends);
    assert.ok(ends.every((each) => table.find(each) !== undefined));
  });
});

describe('A table of TCP connections in a file', () => {
  const everyPort = new Uint8Array(portCount).fill(1);

  function read(file: string) {
    const ports: number[] = [];
    const failure = new TcpTableReader().read(file, everyPort, ({ localPort }) => ports.push(localPort));
    return { ports, failure };
  }

  function fileOf(t: TestContext, content: string): string {
    const folder = mkdtempSync(path.join(tmpdir(), 'tcp-table-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = path.join(folder, 'tcp');
    writeFileSync(file, content);
    return file;
  }

  it('may be larger than what is read at once', (t) => {
    const [heading = '', ...rows] = recordedIpv4.trimEnd().split('\n');
    const many = Array.from({ length: 1000 }, () => rows).flat();
    const { ports, failure } = read(fileOf(t, `${[heading, ...many].join('\n')}\n`));
    assert.equal(failure, undefined);
    assert.equal(ports.length, many.length);
    assert.deepEqual(ports.slice(-rows.length), ports.slice(0, rows.length));
  });

  it('is empty without connections', (t) => {
    const [heading = ''] = recordedIpv4.split('\n');
    assert.deepEqual(read(fileOf(t, `${heading}\n`)), { ports: [], failure: undefined });
  });

  it('is called absent where there is no file', (t) => {
    const file = `${fileOf(t, '')}-not`;
    assert.deepEqual(read(file).failure, { path: file, reason: 'absent', code: 'ENOENT' });
  });

  it('is called malformed where something else is in its place', (t) => {
    for (const content of ['', 'sl', 'a sandbox', `${recordedIpv4.split('\n')[0]}${' '.repeat(100_000)}`]) {
      const file = fileOf(t, content);
      assert.deepEqual(read(file).failure, { path: file, reason: 'malformed' });
    }
  });

  it('fails with the code of the system where it cannot be read', () => {
    assert.deepEqual(read(tmpdir()).failure, { path: tmpdir(), reason: 'failed', code: 'EISDIR' });
  });
});
