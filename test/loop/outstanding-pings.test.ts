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

  /** The main thread takes a request, and begins the ping. */
  const take = (board: Board, id: number, nowMs: number) => {
    board.pingWaits(id, nowMs);
    board.connectedBy(id, undefined, 1);
    board.pingSent(id, nowMs, undefined);
    board.requestTaken(id);
  };

  it('are watched if they are out when their requests are seen to be taken', () => {
    const { board, id, open } = setUp();
    const [answered, notDue, notTaken] = [board.occupy(), board.occupy(), board.occupy()];
    open.request([id, answered, notDue, notTaken]);
    open.addTaken();
    assert.deepEqual(watched(open), []);
    for (const each of [id, answered]) take(board, each, 1);
    board.pingConcluded(answered);
    board.requestTaken(notDue);
    open.addTaken();
    assert.deepEqual(watched(open), [[id, 0]]);
    const mayPing = [id, answered, notDue, notTaken].map((each) => open.mayPing(each, 100));
    assert.deepEqual(mayPing, [false, true, true, false]);
    take(board, notTaken, 200);
    open.addTaken();
    assert.deepEqual(watched(open), [
      [id, 0],
      [notTaken, 0],
    ]);
  });

  it('may be requested again after a request that could not be made', () => {
    const { id, open } = setUp();
    open.request([id]);
    open.withdraw([id]);
    assert.ok(open.mayPing(id, 0));
    open.addTaken();
    assert.ok(open.isEmpty);
  });

  it('go on with a silence that began before two stalls', () => {
    const { board, id, open } = setUp();
    open.request([id]);
    take(board, id, 1);
    open.addTaken();
    open.follow(10);
    for (const ping of open.pings()) ping.account(board, { fromMs: 1001, toMs: 1002 }, new Stalls());
    open.request([id], 1);
    take(board, id, 1101);
    open.addTaken();
    open.follow(1200);
    open.request([id], 2);
    take(board, id, 1301);
    open.addTaken();
    open.follow(1400);
    assert.deepEqual(
      [...open.pings()].map((ping) => ping.silentBeforeMs),
      [1000],
    );
  });
});
