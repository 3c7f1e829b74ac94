import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SocketIndex, type WatchedSockets } from '#src/loop/socket-index.js';
import { addressWords } from '#src/tcp/ip-address.js';
import { TcpRow } from '#src/tcp/tcp-rows.js';

interface Socket {
  readonly sequence?: number;
  readonly local: number;
  readonly remote?: number;
  readonly address: string;
}

let versions = 0;

function socketsOf(sockets: readonly (Socket | undefined)[]): WatchedSockets {
  versions += 1;
  return {
    version: versions,
    count: sockets.filter((socket) => socket !== undefined).length,
    size: sockets.length,
    sequence: (slot) => (sockets[slot] === undefined ? 0 : (sockets[slot].sequence ?? 1)),
    localPort: (slot) => sockets[slot]?.local ?? 0,
    remotePort: (slot) => sockets[slot]?.remote ?? 80,
    remoteAddressWord: (slot, word) => addressWords(sockets[slot]?.address ?? '')?.[word] ?? 0,
  };
}

function rowOf({ local, remote = 80, address }: Socket): TcpRow {
  const row = Object.assign(new TcpRow(), { localPort: local, remotePort: remote });
  row.remoteAddress.set(addressWords(address) ?? []);
  return row;
}

function indexOf(sockets: readonly (Socket | undefined)[]): SocketIndex {
  const index = new SocketIndex();
  index.update(socketsOf(sockets));
  return index;
}

const one = { local: 40_000, address: '192.0.2.1' };
const other = { local: 40_000, address: '192.0.2.2' };

describe('The index of watched sockets', () => {
  it('tells sockets with the same ports by the addresses that they are connected to', () => {
    const index = indexOf([one, other, { ...one, address: '2001:db8::1' }]);
    assert.equal(index.slotOf(rowOf(one)), 0);
    assert.equal(index.slotOf(rowOf(other)), 1);
    assert.equal(index.slotOf(rowOf({ ...one, address: '2001:db8::1' })), 2);
    assert.equal(index.slotOf(rowOf({ ...one, address: '192.0.2.3' })), -1);
  });

  it('tells sockets with the same local port by their remote port', () => {
    const index = indexOf([one, { ...one, remote: 81 }]);
    assert.equal(index.slotOf(rowOf({ ...one, remote: 81 })), 1);
    assert.equal(index.slotOf(rowOf({ ...one, remote: 82 })), -1);
  });

  it('takes an IPv4 address that is written as IPv6 for the same', () => {
    assert.equal(indexOf([one]).slotOf(rowOf({ ...one, address: '::ffff:192.0.2.1' })), 0);
  });

  it('reads nothing again while the version is the same', () => {
    let reads = 0;
    const sockets = { ...socketsOf([one, other]), localPort: () => ++reads };
    const index = new SocketIndex();
    index.update(sockets);
    index.update(sockets);
    assert.deepEqual([reads, index.count], [2, 2]);
    index.update({ ...sockets, version: sockets.version + 1 });
    assert.equal(reads, 4);
  });

  it('reads again what was changed while it was read', () => {
    let version = 1;
    const sockets = Object.defineProperties(socketsOf([one, other]), {
      version: { get: () => version },
      // The second one is added just after this was read for the first time.
      size: {
        get: () => {
          const size = version;
          version = 2;
          return size;
        },
      },
    });
    const index = new SocketIndex();
    index.update(sockets);
    assert.equal(index.count, 1);
    index.update(sockets);
    assert.equal(index.count, 2);
  });

  it('wants the ports of sockets that are there, and of no others', () => {
    const index = indexOf([one, undefined, { local: 50_000, address: '::1' }]);
    assert.deepEqual([index.count, index.size], [2, 3]);
    const wanted = [...index.wantedPorts.keys()].filter((port) => index.wantedPorts[port] !== 0);
    assert.deepEqual(wanted, [40_000, 50_000]);
    index.update(socketsOf([undefined, undefined]));
    assert.deepEqual([index.count, index.sequence(0)], [0, 0]);
    assert.equal(index.slotOf(rowOf(one)), -1);
    assert.ok(index.wantedPorts.every((wanted) => wanted === 0));
  });

  it('knows whether it takes the table of IPv4', () => {
    assert.equal(indexOf([{ local: 1, address: '2001:db8::1' }]).hasIpv4, false);
    assert.equal(indexOf([{ local: 1, address: '2001:db8::1' }, one]).hasIpv4, true);
  });

  it('leaves out a socket that is replaced while it is read', () => {
    let reads = 0;
    const sockets = { ...socketsOf([one]), sequence: () => ++reads };
    const index = new SocketIndex();
    index.update(sockets);
    assert.deepEqual([index.count, index.sequence(0)], [0, 0]);
    assert.equal(index.slotOf(rowOf(one)), -1);
  });

  it('grows with the slots', () => {
    const index = indexOf([one]);
    const many = Array.from({ length: 10_000 }, (_, slot) => ({ local: 1000 + slot, address: '192.0.2.9' }));
    index.update(socketsOf(many));
    assert.equal(index.count, 10_000);
    assert.equal(index.slotOf(rowOf(many[9999] as Socket)), 9999);
  });
});
