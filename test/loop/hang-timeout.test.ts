import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PingLoop } from '#src/loop/ping-loop.js';
import type { ReadTcpTable } from '#src/tcp/diagnosis.js';
import { Board } from '#src/threads/board.js';
import { ManualClock } from './manual-clock.js';
import { type Peer, SimulatedHost } from './simulated-host.js';

const periodMs = 4000;
const timeoutMs = 1000;
const hangTimeoutMs = 30_000;

function setUp(peer: Peer, jitter = 0, lookTakesMs = 0) {
  const clock = new ManualClock();
  const board = new Board();
  const host = new SimulatedHost(clock, board);
  const id = host.add(peer);
  const settings = { periodMs, timeoutMs, jitter, concurrency: 128 };
  const readTcpTable: ReadTcpTable = (wanted) => {
    clock.passes(lookTakesMs);
    return host.readTcpTable(wanted);
  };
  new PingLoop({ settings, board, host, clock, readTcpTable, random: () => 1 }).start(clock.now());
  return { clock, host, id, peer };
}

describe('A server with a hang timeout', () => {
  it('is declared dead when its host acknowledges for that long, and not before', async () => {
    const { clock, host } = setUp({ answersAfterMs: undefined, hangTimeoutMs });
    await clock.advance(periodMs + hangTimeoutMs);
    const pingedMs = host.written[0]?.atMs ?? Number.NaN;
    await clock.advance(periodMs);
    const [death, ...others] = host.deaths;
    assert.deepEqual([death?.diagnosis, others], ['peer-hangs', []]);
    const afterMs = (death?.atMs ?? Number.NaN) - pingedMs;
    assert.ok(afterMs >= hangTimeoutMs - 1 && afterMs <= hangTimeoutMs + 1000, `after ${afterMs} ms`);
  });

  it('is declared dead no later than the length of the stalls and the timeout after it', async () => {
    const { clock, host } = setUp({ answersAfterMs: undefined, hangTimeoutMs });
    await clock.advance(periodMs);
    const pingedMs = clock.now();
    const stallMs = 1.5 * timeoutMs;
    await clock.advance(10_000);
    await clock.stopProcess(stallMs);
    await clock.advance(10_000);
    host.block(stallMs);
    await clock.advance(stallMs + hangTimeoutMs);
    const [death, ...others] = host.deaths;
    assert.deepEqual([death?.diagnosis, others], ['peer-hangs', []]);
    const afterMs = (death?.atMs ?? Number.NaN) - pingedMs;
    const latestMs = hangTimeoutMs + 2 * stallMs + timeoutMs;
    assert.ok(afterMs >= hangTimeoutMs && afterMs <= latestMs, `after ${afterMs} ms`);
    assert.ok(Math.abs((death?.silentMs ?? 0) - hangTimeoutMs) <= timeoutMs, `${death?.silentMs} ms`);
  });

  it('is not declared dead after a stall when it has sent a byte since', async () => {
    const { clock, host, id } = setUp({ answersAfterMs: undefined, hangTimeoutMs });
    await clock.advance(periodMs + hangTimeoutMs - timeoutMs);
    await clock.stopProcess(2 * timeoutMs);
    await clock.advance(timeoutMs / 2);
    host.receive(id);
    await clock.advance(hangTimeoutMs - 1000);
    assert.deepEqual(host.deaths, []);
  });

  it('is given its hang timeout again if a stall ends with another connection', async () => {
    const { clock, host, peer } = setUp({ answersAfterMs: undefined, hangTimeoutMs });
    await clock.advance(periodMs + hangTimeoutMs - timeoutMs);
    peer.generation = 2;
    await clock.stopProcess(2 * timeoutMs);
    const pingedMs = clock.now();
    await clock.advance(hangTimeoutMs - 1000);
    assert.equal(host.deaths.length, 0);
    await clock.advance(2000);
    assert.ok((host.deaths[0]?.atMs ?? 0) >= pingedMs + hangTimeoutMs - 1);
  });

  it('is given its hang timeout again if a byte comes before the ping that a stall repeats', async () => {
    const { clock, host, id, peer } = setUp({ answersAfterMs: undefined, hangTimeoutMs });
    await clock.advance(periodMs + hangTimeoutMs - timeoutMs);
    peer.locked = true;
    await clock.stopProcess(2 * timeoutMs);
    await clock.advance(10);
    host.receive(id);
    await clock.advance(10);
    host.unlock(id);
    assert.equal(host.written.length, 2);
    await clock.advance(hangTimeoutMs - 1000);
    assert.deepEqual(host.deaths, []);
    await clock.advance(2000);
    assert.equal(host.deaths.length, 1);
  });

  it('is declared dead in time although looks at the table take long', async () => {
    const lookTakesMs = 80;
    const peer = { answersAfterMs: undefined, hangTimeoutMs: timeoutMs + 300 };
    const { clock, host } = setUp(peer, 0, lookTakesMs);
    // After one such look, another that no verdict waits for would be due 0.8 s later.
    await clock.advance(periodMs + timeoutMs + 300 + 2 * lookTakesMs + 250);
    assert.equal(host.deaths[0]?.diagnosis, 'peer-hangs');
  });

  it('is not declared dead when it answers later than the timeout', async () => {
    const { clock, host } = setUp({ answersAfterMs: 20_000, hangTimeoutMs });
    await clock.advance(10 * hangTimeoutMs);
    assert.ok(host.written.length > 5);
    assert.deepEqual([host.deaths, new Set(host.conclusions)], [[], new Set(['slow'])]);
  });

  it('releases the lock after the timeout, and is not pinged again meanwhile', async () => {
    const { clock, host } = setUp({ answersAfterMs: undefined, hangTimeoutMs });
    await clock.advance(periodMs + hangTimeoutMs / 2);
    assert.equal(host.written.length, 1);
    assert.ok((host.holdsMs[0] ?? Infinity) <= timeoutMs + 500, `${host.holdsMs[0]} ms`);
  });

  it('is not pinged again because of bytes that came before its ping', async () => {
    // Half a period after the first ping, the next one is due.
    const { clock, host, id, peer } = setUp({ answersAfterMs: 1, hangTimeoutMs }, 0.5);
    await clock.advance(periodMs / 2 - 1);
    host.receive(id);
    peer.answersAfterMs = undefined;
    await clock.advance(2 * periodMs);
    assert.equal(host.written.length, 1);
  });

  it('is declared dead after the timeout when its host acknowledges nothing', async () => {
    const { clock, host } = setUp({ answersAfterMs: 1, goneSinceMs: 0, hangTimeoutMs });
    await clock.advance(periodMs + 2 * timeoutMs);
    assert.deepEqual(
      host.deaths.map(({ diagnosis, silentMs }) => [diagnosis, silentMs < 2 * timeoutMs]),
      [['path-or-host-gone', true]],
    );
  });

  it('is declared dead soon when its host stops to acknowledge while the server hangs', async () => {
    const { clock, host, peer } = setUp({ answersAfterMs: undefined, hangTimeoutMs });
    await clock.advance(periodMs + 5000);
    assert.deepEqual(host.deaths, []);
    peer.goneSinceMs = clock.now();
    await clock.advance(3000);
    assert.deepEqual(
      host.deaths.map(({ diagnosis }) => diagnosis),
      ['path-or-host-gone'],
    );
  });
});
