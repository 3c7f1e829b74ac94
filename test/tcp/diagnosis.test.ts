import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { describe, it } from 'node:test';
import { deliveryOf, diagnose, type SocketPorts, type TcpState } from '#src/tcp/diagnosis.js';
import { parseTcpTable, readTcpTable } from '#src/tcp/proc-net-tcp.js';

const quiet: TcpState = { unacknowledgedBytes: 0, retransmits: 0, windowClosed: false, unreadBytes: 0 };

const diagnosisOf = (state: TcpState | undefined, sentSince = 0) =>
  diagnose(deliveryOf(state, sentSince).state);

describe('The diagnosis of a silence', () => {
  const cases: [what: string, state: TcpState | undefined, diagnosis: string | undefined][] = [
    ['says that it cannot tell without a look at the system', undefined, 'unknown'],
    ['says that the peer hangs when its host acknowledged everything', quiet, 'peer-hangs'],
    [
      'says that the path or the host is gone when bytes are sent again in vain',
      { ...quiet, unacknowledgedBytes: 32, retransmits: 3 },
      'path-or-host-gone',
    ],
    [
      'says that the peer hangs when it does not read, and its host keeps the window closed',
      { ...quiet, unacknowledgedBytes: 70_000, retransmits: 2, windowClosed: true },
      'peer-hangs',
    ],
    ['is none while bytes lie unread', { ...quiet, unreadBytes: 1 }, undefined],
    [
      'is none while bytes are on their way and being acknowledged',
      { ...quiet, unacknowledgedBytes: 500_000 },
      undefined,
    ],
  ];
  it('tells a ping that has arrived by what was sent after it: no more than that is unacknowledged', () => {
    const busy = { ...quiet, unacknowledgedBytes: 500 };
    assert.equal(diagnosisOf(busy, 499), undefined);
    assert.equal(diagnosisOf(busy, 500), 'peer-hangs');
    assert.equal(diagnosisOf({ ...busy, retransmits: 1 }, 500), 'path-or-host-gone');
  });

  it('counts what has not been handed to the system as undelivered', () => {
    assert.deepEqual(deliveryOf({ ...quiet, unacknowledgedBytes: 500 }, -100), {
      state: 'under way',
      undelivered: 600,
      isHandedOver: false,
    });
    assert.equal(deliveryOf(quiet, -100).undelivered, 100);
    assert.deepEqual(deliveryOf(undefined, 0), { state: 'unknown', undelivered: 0, isHandedOver: true });
  });

  for (const [what, state, diagnosis] of cases) {
    it(what, () => assert.equal(diagnosisOf(state), diagnosis));
  }
});

/** As Linux 6.1 wrote it, with the addresses of a documentation network. */
const recorded = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1FA4 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1655 1 0000000085598ad2 100 0 0 10 0
   1: 020000C0:C350 010000C0:1FA4 01 00000020:00000000 01:00000093 00000004     0        0 1777 3 00000000cafe0001 7648 4 28 1 7
   2: 020000C0:C351 010000C0:1FA4 01 00000000:00000003 00:00000000 00000000     0        0 1778 3 00000000cafe0002 20 4 28 10 7
   3: 020000C0:C352 010000C0:1FA4 06 00000000:00000000 03:00001000 00000000     0        0 0 3 00000000cafe0003
   4: 020000C0:C353 010000C0:1FA4 01 00001000:00000000 04:00000093 00000002     0        0 1779 3 00000000cafe0004 20 4 28 10 7
   5: 0000000000000000FFFF0000020000C0:C354 0000000000000000FFFF0000010000C0:1FA4 01 00000000:00000000 00:00000000 00000000 0 0 1780 1 00000000cafe0005 20 4 28 10 -1
   6: 020000C0:C354 030000C0:1FA4 01 00000000:00000000 00:00000000 00000000     0        0 1781 3 00000000cafe0006 20 4 28 10 7
`;

describe('the table of TCP connections', () => {
  const parse = (text: string, wanted: SocketPorts) =>
    parseTcpTable(Buffer.from(text), [wanted]).find(wanted);
  const find = (local: number) => parse(recorded, { local, remote: 8100 });

  it('is read again for a connection that one reading has passed over', () => {
    const lines = recorded.split('\n');
    const without = lines.filter((line) => !line.includes(':C351')).join('\n');
    const readings = [without, recorded, recorded];
    const wanted = [0xc350, 0xc351].map((local) => ({ local, remote: 8100 }));
    const table = readTcpTable(wanted, () => Buffer.from(readings.shift() ?? ''));
    assert.deepEqual(
      wanted.map((ports) => table?.find(ports)?.unreadBytes),
      [0, 3],
    );
    assert.equal(readings.length, 1);
  });

  it('tells what is unacknowledged and how often it was sent again', () => {
    assert.deepEqual(find(0xc350), { ...quiet, unacknowledgedBytes: 32, retransmits: 4 });
  });

  it('tells what lies unread', () => assert.equal(find(0xc351)?.unreadBytes, 3));

  it('tells a closed window', () => assert.equal(find(0xc353)?.windowClosed, true));

  it('knows only what is established, and nothing of ports that two connections share', () => {
    assert.equal(find(0xc352), undefined);
    assert.equal(find(0xc354), undefined);
    assert.equal(find(1), undefined);
  });

  it('is made of anything without failing', () => {
    assert.equal(parse('\n x \n 1: : : 01 : :', { local: 1, remote: 2 }), undefined);
  });

  it('is read from the system, where that is Linux', async (t) => {
    if (process.platform !== 'linux') return t.skip('there is no /proc/net/tcp');
    const server = createServer((socket) => socket.pause()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const ports = { local: socket.localPort as number, remote: port };
    const state = readTcpTable([ports])?.find(ports);
    socket.destroy();
    server.close();
    assert.equal(state?.retransmits, 0);
  });
});
