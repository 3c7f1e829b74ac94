import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Board } from '#src/threads/board.js';

describe('The board', () => {
  it('shows one thread what another has written, even after it has grown', () => {
    const writer = new Board();
    const reader = new Board(writer.buffer);
    const ids = Array.from({ length: 1000 }, () => writer.occupy());
    assert.equal(new Set(ids).size, 1000);
    assert.deepEqual(reader.occupied(), writer.occupied());
    const last = ids.at(-1) as number;
    const number = writer.pingWaits(last, 5000);
    assert.equal(reader.number(last), number);
    assert.equal(reader.state(last), 'waiting');
    writer.pingSent(last, 5100);
    assert.equal(reader.state(last), 'sent');
    assert.equal(reader.startedAgo(last, 5300), 300);
    assert.equal(reader.sentAgo(last, 5300), 200);
  });

  it('has the ends of each connection, and none where there are none', () => {
    const board = new Board();
    const [one, other] = [board.occupy(), board.occupy()];
    const ends = { local: 65_535, remote: 5432, remoteAddress: -1_062_731_775 };
    board.connectedBy(one, ends, 3);
    board.connectedBy(other, { local: 40_000, remote: 6379 }, 4);
    assert.deepEqual(board.ports(one), ends);
    assert.deepEqual(board.ports(other), { local: 40_000, remote: 6379, remoteAddress: 0 });
    board.connectedBy(one, undefined, 5);
    assert.equal(board.ports(one), undefined);
    assert.deepEqual([board.generation(one), board.generation(other)], [5, 4]);
  });

  it('tells whether it has a connection, which the next target of the slot has not', () => {
    const board = new Board();
    const id = board.occupy();
    assert.equal(board.hasConnection(id, 1), false);
    board.connectedBy(id, undefined, 1);
    assert.equal(board.hasConnection(id, 1), false);
    board.connectedBy(id, { local: 40_000, remote: 6379 }, 1);
    assert.deepEqual([board.hasConnection(id, 1), board.hasConnection(id, 2)], [true, false]);
    board.vacate(id);
    assert.equal(board.occupy(), id);
    assert.equal(board.hasConnection(id, 1), false);
    assert.equal(board.ports(id), undefined);
  });

  it('knows the occupied slots, and gives a vacated one to the next target', () => {
    const board = new Board();
    const [first, second] = [board.occupy(), board.occupy()];
    board.vacate(first);
    assert.deepEqual(
      [first, second].map((id) => board.isOccupied(id)),
      [false, true],
    );
    assert.deepEqual(board.occupied(), [second]);
    assert.equal(board.occupy(), first);
    assert.equal(board.isOccupied(first), true);
  });

  it('goes on numbering the pings of a slot that is used again', () => {
    const board = new Board();
    const id = board.occupy();
    const first = board.pingWaits(id, 0);
    board.vacate(id);
    assert.equal(board.occupy(), id);
    assert.notEqual(board.pingWaits(id, 0), first);
  });

  it('measures durations across the wrap of its 32-bit times', () => {
    const board = new Board();
    const id = board.occupy();
    board.pingWaits(id, 2 ** 31 - 10);
    assert.equal(board.startedAgo(id, 2 ** 31 + 90), 100);
    board.pingSent(id, 2 ** 32 - 10);
    assert.equal(board.sentAgo(id, 2 ** 32 + 90), 100);
  });

  it('distinguishes an unknown time of the last byte from one long ago', () => {
    const board = new Board();
    const id = board.occupy();
    board.bytesReceived(id, undefined);
    assert.equal(board.receivedAgo(id, 1000), Infinity);
    board.bytesReceived(id, 400);
    assert.equal(board.receivedAgo(id, 1000), 600);
  });
});
