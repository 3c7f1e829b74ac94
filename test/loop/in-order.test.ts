import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PingLoop } from '#src/loop/ping-loop.js';
import type { ReadTcpTable } from '#src/tcp/diagnosis.js';
import { TcpRow, TcpStates, TcpTimers } from '#src/tcp/tcp-rows.js';
import { Board } from '#src/threads/board.js';
import { ManualClock } from './manual-clock.js';
import { type Peer, SimulatedHost } from './simulated-host.js';

const periodMs = 10_000;
const timeoutMs = 2000;

/** One peer that answers in order, with a request of the application out from the beginning. */
function setUp(reading = (readTcpTable: ReadTcpTable) => readTcpTable) {
  const clock = new ManualClock();
  const board = new Board();
  const host = new SimulatedHost(clock, board);
  const busy: Peer = { answersAfterMs: 1, inOrder: true, locked: true };
  const id = host.add(busy);
  const readTcpTable = reading(host.readTcpTable);
  const settings = { periodMs, timeoutMs, jitter: 0, concurrency: 128 };
  new PingLoop({ settings, board, host, clock, readTcpTable, random: () => 0.5 }).start(clock.now());
  return { clock, host, id, peer: busy };
}

describe('A connection that answers in order, while a request is out,', () => {
  it('is neither pinged nor declared dead, however long the request takes', async () => {
    const { clock, host } = setUp();
    await clock.advance(30 * periodMs);
    assert.deepEqual([host.pings.length, host.written, host.deaths], [1, [], []]);
  });

  it('is pinged as soon as the request is over', async () => {
    const { clock, host, id } = setUp();
    await clock.advance(3 * periodMs);
    host.unlock(id);
    assert.equal(host.written.length, 1);
    await clock.advance(periodMs);
    assert.equal(host.written.length, 2);
    assert.deepEqual(host.deaths, []);
  });

  it('is looked at once in a timeout, and takes few turns of the main loop', async () => {
    let looks = 0;
    const { clock, host } = setUp((readTcpTable) => (wanted) => {
      looks += 1;
      return readTcpTable(wanted);
    });
    await clock.advance(periodMs + timeoutMs);
    const { turns } = host;
    const { fired } = clock;
    const before = looks;
    await clock.advance(100 * timeoutMs);
    assert.ok(looks - before <= 100, `${looks - before} looks`);
    assert.ok(host.turns - turns <= 200, `${host.turns - turns} turns`);
    assert.ok(clock.fired - fired <= 300, `${clock.fired - fired} wake-ups`);
  });

  it('is concluded to be alive when bytes of a reply arrive', async () => {
    const { clock, host, id } = setUp();
    await clock.advance(periodMs + 1);
    await clock.advance(2 * timeoutMs);
    host.receive(id);
    await clock.advance(timeoutMs);
    assert.deepEqual(host.conclusions, ['alive']);
  });

  it('is declared dead when nothing is acknowledged for the timeout', async () => {
    const { clock, host, peer } = setUp();
    await clock.advance(3 * periodMs);
    peer.goneSinceMs = clock.now();
    await clock.advance(timeoutMs - 1);
    assert.deepEqual(host.deaths, []);
    await clock.advance(1500);
    assert.deepEqual(
      host.deaths.map(({ diagnosis }) => diagnosis),
      ['path-or-host-gone'],
    );
  });

  it('is not declared dead by retransmissions that get acknowledged', async () => {
    const { clock, host, peer } = setUp();
    await clock.advance(periodMs + timeoutMs);
    for (let times = 0; times < 10; times++) {
      peer.retransmits = 2;
      await clock.advance(timeoutMs - 500);
      peer.retransmits = 0;
      await clock.advance(500);
    }
    assert.deepEqual(host.deaths, []);
  });

  it('is not declared dead while bytes get acknowledged over a line that loses some', async () => {
    const clock = new ManualClock();
    const board = new Board();
    const host = new SimulatedHost(clock, board);
    host.add({ answersAfterMs: 1, inOrder: true, locked: true });
    // At each look something was sent again, and more is acknowledged than at the look before.
    let unacknowledgedBytes = 100_000_000;
    let looks = 0;
    const readTcpTable: ReadTcpTable = () => ({
      find: () => {
        looks += 1;
        unacknowledgedBytes -= 1000;
        return Object.assign(new TcpRow(), {
          state: TcpStates.established,
          timer: TcpTimers.retransmission,
          timerMs: 200,
          retransmissionTimeoutMs: 400,
          retransmits: 1,
          unacknowledgedBytes,
        });
      },
    });
    const settings = { periodMs, timeoutMs, jitter: 0, concurrency: 128 };
    new PingLoop({ settings, board, host, clock, readTcpTable, random: () => 0.5 }).start(clock.now());
    await clock.advance(10 * periodMs);
    assert.ok(looks > 10);
    assert.deepEqual(host.deaths, []);
  });

  it('is not declared dead by time in which this process did not run', async () => {
    const { clock, host, peer } = setUp();
    await clock.advance(periodMs + timeoutMs);
    peer.retransmits = 1;
    await clock.advance(timeoutMs / 2);
    await clock.stopProcess(10 * timeoutMs);
    await clock.advance(timeoutMs / 4);
    assert.deepEqual(host.deaths, []);
    peer.retransmits = 0;
    await clock.advance(periodMs);
    assert.deepEqual(host.deaths, []);
  });
});
