import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { portCount, type TcpRow, TcpRowParser } from '#src/tcp/tcp-rows.js';
import { recordedIpv4, recordedIpv6 } from './recorded-table.js';

const everyPort = new Uint8Array(portCount).fill(1);

/** A copy of each row, by its local port. */
function rowsOf(text: string, wanted = everyPort) {
  const rows: (Omit<TcpRow, 'remoteAddress'> & { remoteAddress: number[] })[] = [];
  const bytes = Buffer.from(text, 'latin1');
  const parsed = new TcpRowParser().parse(bytes, bytes.length, wanted, (row) =>
    rows.push({ ...row, remoteAddress: [...row.remoteAddress] }),
  );
  return { rows, parsed };
}

const rowOf = (text: string, localPort: number) =>
  rowsOf(text).rows.find((row) => row.localPort === localPort);

describe('Rows of the table of TCP connections', () => {
  it('show what is unacknowledged, how often it was sent again and when it will be', () => {
    assert.deepEqual(rowOf(recordedIpv4, 0xc350), {
      localPort: 0xc350,
      remotePort: 8100,
      remoteAddress: [0, 0, 0xffff, 0xc0000001],
      state: 1,
      unacknowledgedBytes: 32,
      unreadBytes: 0,
      timer: 1,
      timerMs: 1470,
      retransmits: 4,
      unansweredProbes: 0,
      retransmissionTimeoutMs: 3260,
    });
  });

  it('show what lies unread, and how many probes went unanswered', () => {
    const { unreadBytes, unansweredProbes, timer } = rowOf(recordedIpv4, 0xc351) ?? {};
    assert.deepEqual([unreadBytes, unansweredProbes, timer], [3, 2, 2]);
  });

  it('show a closed window by its timer', () => assert.equal(rowOf(recordedIpv4, 0xc353)?.timer, 4));

  it('have one form for an IPv4 address and the IPv6 address that it is mapped to', () => {
    assert.deepEqual(rowOf(recordedIpv6, 0xc354)?.remoteAddress, [0, 0, 0xffff, 0xc0000001]);
    assert.deepEqual(rowOf(recordedIpv6, 0xc356)?.remoteAddress, [0x20010db8, 0, 0, 1]);
  });

  it('are visited in the order of the table, every one of them', () => {
    const ports = [0x1fa4, 0xc350, 0xc351, 0xc352, 0xc353, 0xc354, 0xc355];
    assert.deepEqual(
      rowsOf(recordedIpv4).rows.map(({ localPort }) => localPort),
      ports,
    );
    assert.equal(rowsOf(recordedIpv4).parsed, recordedIpv4.length);
  });

  it('are visited only where their local port is wanted', () => {
    const wanted = new Uint8Array(portCount);
    wanted[0xc353] = 1;
    assert.deepEqual(
      rowsOf(recordedIpv4 + recordedIpv6, wanted).rows.map(({ localPort }) => localPort),
      [0xc353],
    );
  });

  it('wait for the end of their line', () => {
    const { rows, parsed } = rowsOf(recordedIpv4.slice(0, -1));
    assert.equal(rows.length, 6);
    assert.equal(parsed, 7 * 150);
  });

  it('are found wherever a table is cut in two', () => {
    const text = recordedIpv4 + recordedIpv6;
    const whole = rowsOf(text).rows;
    for (let cut = 0; cut <= text.length; cut++) {
      const { rows, parsed } = rowsOf(text.slice(0, cut));
      assert.deepEqual([...rows, ...rowsOf(text.slice(parsed)).rows], whole);
    }
  });

  it('are made of anything without failing', () => {
    const table = recordedIpv4 + recordedIpv6;
    fc.assert(
      fc.property(fc.nat(table.length), fc.nat(300), fc.string({ maxLength: 300 }), (at, length, text) => {
        const { parsed } = rowsOf(`${table.slice(0, at)}${text}${table.slice(at + length)}`);
        assert.ok(parsed <= table.length + text.length);
      }),
      { numRuns: 2000 },
    );
    assert.deepEqual(rowsOf('\n x \n 1: : : 01 : :\n:\n1: 0:1\n').rows, []);
  });
});
