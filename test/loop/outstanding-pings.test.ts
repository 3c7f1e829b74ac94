import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OutstandingPings } from '#src/loop/outstanding-pings.js';
import { Stalls } from '#src/loop/stalls.js';
import { Board } from '#src/threads/board.js';

describe('The outstanding pings', () => {
  const setUp = () => {
    const board = new Board();
    return { board, id: board.occupy(), open: new OutstandingPings(board, 1000) };
  };
  const watched = (open: OutstandingPings) => [...open.pings()].map(({ id, resent }) => [id, resent]);

  it('are watched only if they are out when their sweep returns', () => {
    const { board, id, open } = setUp();
    const other = board.occupy();
    const request = { ids: [id, other], atMs: 0, resent: 0 };
    open.request(request);
    assert.equal(open.mayPing(id, 0), false);
    open.returned(request, [other]);
    assert.deepEqual(watched(open), [[other, 0]]);
    assert.equal(open.mayPing(id, 0), true);
    assert.equal(open.mayPing(other, 0), false);
  });

  it('are watched even if they began in the millisecond of the request', () => {
    const { board, id, open } = setUp();
    open.request({ ids: [id], atMs: 1000.9, resent: 0 });
    board.pingWaits(id, 1000.95);
    open.addBegun(1100.5);
    assert.deepEqual(watched(open), [[id, 0]]);
  });

  it('are kept when a sweep returns that a later request has superseded', () => {
    const { board, id, open } = setUp();
    const first = { ids: [id], atMs: 0, resent: 0 };
    open.request(first);
    board.pingWaits(id, 1);
    open.addBegun(100);
    const again = { ids: [id], atMs: 200, resent: 1 };
    open.request(again);
    open.returned(first, [id]);
    assert.deepEqual(watched(open), []);
    assert.equal(open.mayPing(id, 300), false);
    board.pingWaits(id, 300);
    open.returned(again, [id]);
    assert.deepEqual(watched(open), [[id, 1]]);
  });

  it('go on with a silence that began before two stalls, whichever sweep returns first', () => {
    const { board, id, open } = setUp();
    const send = (nowMs: number) => {
      board.pingWaits(id, nowMs);
      board.connectedBy(id, undefined, 1);
      board.pingSent(id, nowMs, undefined);
    };
    const first = { ids: [id], atMs: 0, resent: 0 };
    open.request(first);
    send(1);
    open.returned(first, [id]);
    open.follow(10);
    for (const ping of open.pings()) ping.account(board, { fromMs: 1001, toMs: 1002 }, new Stalls());
    const second = { ids: [id], atMs: 1100, resent: 1 };
    open.request(second);
    send(1101);
    open.addBegun(1200);
    open.follow(1200);
    const third = { ids: [id], atMs: 1300, resent: 2 };
    open.request(third);
    open.returned(second, [id]);
    send(1301);
    open.returned(third, [id]);
    open.follow(1400);
    assert.deepEqual(
      [...open.pings()].map((ping) => ping.silentBeforeMs),
      [1000],
    );
  });
});
