import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PingLoop } from '#src/loop/ping-loop.js';
import { Board } from '#src/threads/board.js';
import { ManualClock } from './manual-clock.js';
import { type Peer, SimulatedHost } from './simulated-host.js';

const periodMs = 4000;
const timeoutMs = 1000;

function setUp() {
  const clock = new ManualClock();
  const board = new Board();
  const host = new SimulatedHost(clock, board);
  const peer: Peer = { answersAfterMs: undefined, inOrder: true };
  const id = host.add(peer);
  const settings = { periodMs, timeoutMs, jitter: 0, concurrency: 128 };
  const { readTcpTable } = host;
  new PingLoop({ settings, board, host, clock, readTcpTable, random: () => 0.5 }).start(clock.now());
  return { clock, host, id, peer };
}

describe('A ping that is called off', () => {
  it('is not judged by silence, however long the request takes', async () => {
    const { clock, host, id } = setUp();
    // The ping is being watched.
    await clock.advance(periodMs + timeoutMs / 2);
    assert.equal(host.written.length, 1);
    host.callOff(id);
    await clock.advance(10 * periodMs);
    assert.deepEqual([host.deaths, host.conclusions], [[], []]);
  });

  it('is declared dead when nothing is acknowledged any more', async () => {
    const { clock, host, id, peer } = setUp();
    await clock.advance(periodMs + timeoutMs / 2);
    host.callOff(id);
    await clock.advance(periodMs);
    peer.goneSinceMs = clock.now();
    await clock.advance(timeoutMs + 2500);
    assert.deepEqual(
      host.deaths.map(({ diagnosis }) => diagnosis),
      ['path-or-host-gone'],
    );
  });
});
