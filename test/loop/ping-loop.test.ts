import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PingLoop } from '#src/loop/ping-loop.js';
import type { ReadTcpTable, TcpState, TcpTable } from '#src/tcp/diagnosis.js';
import { TcpRow, TcpStates } from '#src/tcp/tcp-rows.js';
import { Board } from '#src/threads/board.js';
import type { LoopSettings } from '#src/threads/contract.js';
import { ManualClock } from './manual-clock.js';
import { type Peer, SimulatedHost } from './simulated-host.js';

/** A table of the system's TCP connections, by local port. */
function tableOf(states: Readonly<Record<number, Partial<TcpState>>>): TcpTable {
  const quiet = { ...new TcpRow(), state: TcpStates.established };
  return { find: ({ local }) => (local in states ? { ...quiet, ...states[local] } : undefined) };
}

function setUp(
  peers: Peer[],
  settings: Partial<LoopSettings> = {},
  readTcpTable?: ReadTcpTable,
  replaces = false,
  clock = new ManualClock(),
  upAfterMs = 0,
) {
  const board = new Board();
  const host = new SimulatedHost(clock, board);
  const ids = peers.map((peer) => host.add(peer));
  const loop = new PingLoop({
    settings: { periodMs: 10_000, timeoutMs: 2000, jitter: 0, concurrency: 128, ...settings },
    board,
    host,
    clock,
    ...(readTcpTable && { readTcpTable }),
    random: () => 0.5,
  });
  const startMs = clock.now();
  loop.start(startMs - upAfterMs, replaces);
  return { clock, board, host, ids, loop, startMs };
}

/** The clock of a system that counts its uptime in whole seconds. */
class CoarseUptime extends ManualClock {
  override suspendedMs(): number {
    return Math.floor(this.now() / 1000) * 1000 - this.now();
  }
}

describe('The ping loop', () => {
  it('sleeps for one period before the first ping and between two pings', async () => {
    const { clock, host, startMs } = setUp([{ answersAfterMs: 1 }]);
    await clock.advance(35_000);
    assert.deepEqual(
      host.pings.map(({ atMs }) => atMs - startMs),
      [10_000, 20_000, 30_000],
    );
  });

  it('shortens its sleep by the jitter but never lengthens it', async () => {
    const { clock, host, startMs } = setUp([{ answersAfterMs: 1 }], { jitter: 0.2 });
    await clock.advance(19_000);
    assert.deepEqual(
      host.pings.map(({ atMs }) => atMs - startMs),
      [9000, 18_000],
    );
  });

  it('pings a handful of targets with one call and two wake-ups a period', async () => {
    const { clock, host, ids } = setUp(Array.from({ length: 5 }, () => ({ answersAfterMs: 0 })));
    await clock.advance(10_000);
    const firedBefore = clock.fired;
    await clock.advance(30_000);
    assert.deepEqual(host.sweeps.slice(1), [ids, ids, ids]);
    // Per period: for the sweep, a tick later for what has become of it, and one reply of each peer.
    assert.equal(clock.fired - firedBefore, 3 * (2 + ids.length));
    // None of the main loop's turns was needed.
    assert.equal(host.turns, 0);
  });

  it('wakes once for each sweep if the next one shows what has become of the last', async () => {
    const peers = Array.from({ length: 5 }, () => ({ answersAfterMs: 0 }));
    const { clock, host, ids } = setUp(peers, { periodMs: 150, timeoutMs: 2000 });
    await clock.advance(1500);
    const [firedBefore, sweepsBefore] = [clock.fired, host.sweeps.length];
    await clock.advance(1500);
    const sweeps = host.sweeps.length - sweepsBefore;
    assert.equal(sweeps, 10);
    assert.equal(clock.fired - firedBefore, sweeps * (1 + ids.length));
  });

  it('pings an added target within a period, and a removed one no more', async () => {
    const { clock, board, host, loop, ids } = setUp([{ answersAfterMs: 1 }]);
    await clock.advance(4000);
    const added = host.add({ answersAfterMs: 1 });
    loop.targetsChanged(Uint32Array.of(added));
    await clock.advance(10_000);
    assert.ok(host.pings.some(({ id }) => id === added));
    board.vacate(ids[0] as number);
    loop.targetsChanged(Uint32Array.from(ids));
    const before = host.pings.length;
    await clock.advance(30_000);
    assert.deepEqual([...new Set(host.pings.slice(before).map(({ id }) => id))], [added]);
  });

  it('pings a target within a period if it takes over a slot in one turn', async () => {
    const { clock, board, host, loop, ids } = setUp([{ answersAfterMs: 1 }, { answersAfterMs: 1 }]);
    await clock.advance(14_000);
    const [first] = ids as [number];
    board.vacate(first);
    assert.equal(host.add({ answersAfterMs: 1 }), first);
    loop.targetsChanged(Uint32Array.of(first));
    const before = host.pings.length;
    await clock.advance(10_000);
    assert.equal(host.pings.slice(before).filter(({ id }) => id === first).length, 1);
  });

  it('ignores a change of targets that it already knows', async () => {
    const { clock, host, loop, ids } = setUp([{ answersAfterMs: 1 }, { answersAfterMs: 1 }]);
    loop.targetsChanged(Uint32Array.of(...ids, 60));
    await clock.advance(30_000);
    assert.deepEqual(host.sweeps, [ids, ids, ids]);
  });

  it('declares only the silent peer dead, within the timeout and a tick', async () => {
    const { clock, host, ids, startMs } = setUp([{ answersAfterMs: 300 }, { answersAfterMs: undefined }]);
    await clock.advance(15_000);
    assert.deepEqual(
      host.deaths.map(({ id }) => id),
      [ids[1]],
    );
    const afterMs = (host.deaths[0]?.atMs ?? 0) - startMs - 10_000;
    assert.ok(afterMs >= 2000 && afterMs <= 2300, `dead after ${afterMs} ms`);
  });

  it('accepts any byte as a sign of life, and frees the lock at the timeout', async () => {
    const { clock, host, ids } = setUp([{ answersAfterMs: undefined }]);
    await clock.advance(11_000);
    for (let i = 0; i < 30; i++) {
      host.receive(ids[0] as number);
      await clock.advance(1000);
    }
    assert.deepEqual(host.deaths, []);
    assert.ok(host.conclusions.length >= 2);
    assert.deepEqual([...new Set(host.conclusions)], ['slow']);
    // It is pinged again once a period.
    assert.ok(host.pings.length >= 3, `${host.pings.length} pings`);
  });

  for (const [periodMs, timeoutMs] of [
    [1000, 1000],
    [5000, 5000],
    [1000, 5000],
    [10_000, 2000],
  ] as const) {
    it(`finds a peer that dies within a reply: period ${periodMs}, timeout ${timeoutMs}`, async () => {
      for (let partMs = 0; partMs < timeoutMs; partMs += timeoutMs / 7) {
        const { clock, host, ids } = setUp([{ answersAfterMs: undefined }], { periodMs, timeoutMs });
        await clock.advance(periodMs + 1 + partMs);
        host.receive(ids[0] as number);
        const silentFromMs = clock.now();
        await clock.advance(60_000);
        const afterMs = (host.deaths[0]?.atMs ?? Infinity) - silentFromMs;
        assert.ok(afterMs <= periodMs + timeoutMs + 1000, `dead after ${afterMs} ms`);
      }
    });
  }

  it('does not ping a target again while its ping is still out', async () => {
    const { clock, host } = setUp([{ answersAfterMs: 4500 }], { periodMs: 1000, timeoutMs: 5000 });
    await clock.advance(5400);
    assert.equal(host.pings.length, 1);
    assert.deepEqual(host.deaths, []);
  });

  it('finds a dead peer in its bound while the application holds the lock', async () => {
    const { clock, host, startMs } = setUp([{ answersAfterMs: undefined, locked: true }]);
    await clock.advance(15_000);
    assert.deepEqual(host.conclusions, ['busy', 'dead']);
    assert.ok((host.deaths[0]?.atMs ?? Infinity) - startMs <= 10_000 + 2000 + 1000);
  });

  it('diagnoses all silent peers with a single look at the system’s table', async () => {
    const looks: number[] = [];
    const { clock, board, host, ids } = setUp(Array(5).fill({ answersAfterMs: undefined }), {}, () => {
      looks.push(clock.now());
      return tableOf({ 1: { unacknowledgedBytes: 32, retransmits: 4 }, 2: {} });
    });
    board.connectedBy(ids[0] as number, { local: 1, remote: 9 }, 1);
    board.connectedBy(ids[1] as number, { local: 2, remote: 9 }, 1);
    await clock.advance(15_000);
    assert.equal(looks.length, 1);
    assert.deepEqual(
      host.deaths.map(({ diagnosis }) => diagnosis),
      ['path-or-host-gone', 'peer-hangs', 'unknown', 'unknown', 'unknown'],
    );
  });

  it('spares a peer whose host keeps acknowledging an upload before the ping', async () => {
    let unacknowledgedBytes = 0x80000;
    const { clock, board, host, ids } = setUp([{ answersAfterMs: undefined, ahead: 500_000 }], {}, () =>
      tableOf({ 1: { unacknowledgedBytes } }),
    );
    board.connectedBy(ids[0] as number, { local: 1, remote: 9 }, 1);
    await clock.advance(30_000);
    assert.deepEqual(host.deaths, []);
    // The lock has been released.
    assert.deepEqual(host.conclusions, ['slow']);
    unacknowledgedBytes = 0;
    // From now on it has the whole timeout to reply.
    await clock.advance(1900);
    assert.deepEqual(host.deaths, []);
    await clock.advance(600);
    assert.equal(host.deaths.length, 1);
  });

  it('postpones no verdict because reading the system’s table is slow', async () => {
    const tookMs = 150;
    const { clock, host, ids, startMs, board } = setUp(
      [
        { answersAfterMs: undefined, ahead: 0 },
        { answersAfterMs: undefined, ahead: 500_000 },
      ],
      {},
      () => {
        clock.passes(tookMs);
        return tableOf({ 2: { unacknowledgedBytes: 0x80000 } });
      },
    );
    await clock.advance(10_100);
    board.connectedBy(ids[1] as number, { local: 2, remote: 9 }, 1);
    await clock.advance(3000);
    const [death] = host.deaths;
    assert.equal(death?.id, ids[0]);
    const afterMs = (death?.atMs ?? 0) - startMs - 10_000;
    assert.ok(afterMs <= 2000 + 500, `dead after ${afterMs} ms`);
    assert.ok(host.turns < 40, `${host.turns} turns`);
  });

  it('finds a peer dead that has the ping but not the bytes sent after it', async () => {
    const { clock, board, host, ids } = setUp([{ answersAfterMs: undefined, ahead: 0 }], {}, () =>
      tableOf({ 1: { unacknowledgedBytes: 0x40 } }),
    );
    const id = ids[0] as number;
    board.connectedBy(id, { local: 1, remote: 9 }, 1);
    await clock.advance(12_900);
    assert.equal(host.deaths.length, 0);
    board.bytesSentSince(id, 0x40);
    await clock.advance(1500);
    assert.equal(host.deaths[0]?.diagnosis, 'peer-hangs');
  });

  it('does not take its own long look for a stall', async () => {
    const clock = new ManualClock();
    let looks = 0;
    const readTcpTable: ReadTcpTable = () => {
      looks += 1;
      clock.passes(900);
      return tableOf({ 1: {} });
    };
    const peers = [{ answersAfterMs: undefined }, { answersAfterMs: 1 }, { answersAfterMs: 300 }];
    const { host } = setUp(peers, { timeoutMs: 2000 }, readTcpTable, false, clock);
    await clock.advance(30_000);
    assert.ok(looks > 0);
    assert.deepEqual(host.stalls, []);
  });

  it('reports a stall of the process in which a ping was out', async () => {
    const { clock, host } = setUp([{ answersAfterMs: undefined }]);
    await clock.advance(10_020);
    await clock.stopProcess(6000);
    await clock.advance(250);
    assert.deepEqual(
      host.stalls.map(({ of }) => of),
      ['process'],
    );
    assert.deepEqual(host.deaths, []);
    assert.equal(host.pings.length, 2);
  });

  it('pings its targets soon when it replaces a lost loop', async () => {
    const { clock, host, loop, startMs } = setUp([{ answersAfterMs: 1 }], {}, undefined, true);
    await clock.advance(500);
    assert.equal(host.pings.length, 1);
    loop.stop();
    assert.ok((host.pings[0]?.atMs ?? Infinity) - startMs <= 200);
  });

  it('counts the first period from its request, not from its thread’s start', async () => {
    for (const upAfterMs of [300, 12_000]) {
      const { clock, host, loop, startMs } = setUp(
        [{ answersAfterMs: 1 }],
        {},
        undefined,
        false,
        undefined,
        upAfterMs,
      );
      await clock.advance(10_000 - 1);
      assert.equal((host.pings[0]?.atMs ?? NaN) - startMs, Math.max(10_000 - upAfterMs, 0));
      // Being late from the beginning is not a stall.
      assert.deepEqual(host.stalls, []);
      loop.stop();
    }
  });

  it('continues after calls to the main thread have failed', async () => {
    const { clock, host } = setUp([{ answersAfterMs: 1 }]);
    const sweep = host.sweep.bind(host);
    host.sweep = () => {
      host.sweep = sweep;
      throw new Error('no');
    };
    await clock.advance(35_000);
    assert.deepEqual(
      host.panics.map(({ message }) => message),
      ['no'],
    );
    assert.ok(host.pings.length >= 1);
  });

  it('leaves no timer and pings nothing once it is stopped', async () => {
    const { clock, host, loop } = setUp([{ answersAfterMs: undefined }]);
    await clock.advance(10_500);
    loop.stop();
    await clock.advance(60_000);
    assert.equal(host.pings.length, 1);
    assert.deepEqual(host.deaths, []);
  });
});

describe('A stall', () => {
  for (const stallMs of [500, 1500, 3000, 6000, 30_000]) {
    it(`of the main loop for ${stallMs} ms kills no peer that replies in 300 ms`, async () => {
      const { clock, host } = setUp([{ answersAfterMs: 300 }], { periodMs: 1000, timeoutMs: 1000 });
      for (let round = 0; round < 20; round++) {
        await clock.advance(937);
        host.block(stallMs);
        await clock.advance(stallMs);
      }
      await clock.advance(3000);
      assert.deepEqual(host.deaths, []);
      assert.ok(host.stalls.length > 0);
    });
  }

  // In a shorter stall than the timeout, TCP retransmits whatever was lost.
  for (const stallMs of [1500, 3000, 6000, 30_000]) {
    it(`of the process for ${stallMs} ms kills no peer whose reply was lost`, async () => {
      const { clock, host } = setUp([{ answersAfterMs: undefined }], { periodMs: 1000, timeoutMs: 1000 });
      await clock.advance(1100);
      for (const peer of host.peers.values()) peer.answersAfterMs = 300;
      await clock.stopProcess(stallMs);
      await clock.advance(5000);
      assert.deepEqual(host.deaths, []);
    });
  }

  for (const stallMs of [600, 5000]) {
    it(`of the process for ${stallMs} ms that begins while a ping is being sent does not count as silence`, async () => {
      const peers = [{ answersAfterMs: stallMs + 900 }];
      const { clock, host } = setUp(peers, { periodMs: 1000, timeoutMs: 1000 });
      // Longer than a tick: after the stall the loop wakes before the main thread has gone on.
      host.blocksInPingMs = 200;
      await clock.advance(1000);
      assert.equal(host.pings.length, 1);
      for (const peer of host.peers.values()) peer.answersAfterMs = 900;
      await clock.stopProcess(stallMs);
      await clock.advance(5000);
      assert.deepEqual(host.deaths, []);
      assert.ok(host.pings.length > 3);
    });
  }

  it('of the main loop does not repeat a ping that was sent after it', async () => {
    const { clock, host } = setUp([{ answersAfterMs: 300 }], { periodMs: 1000, timeoutMs: 1000 });
    await clock.advance(900);
    host.block(3000);
    await clock.advance(3100);
    assert.deepEqual(
      host.stalls.map(({ of }) => of),
      ['loop'],
    );
    assert.equal(host.pings.length, 1);
  });

  it('shorter than the timeout delays the verdict by no more than its length', async () => {
    const { clock, host } = setUp([{ answersAfterMs: undefined }], { periodMs: 1000, timeoutMs: 1000 });
    await clock.advance(1000);
    const pingedMs = clock.now();
    for (let round = 0; round < 4; round++) {
      await clock.advance(150);
      if (round % 2 === 0) await clock.stopProcess(600);
      else {
        host.block(600);
        await clock.advance(600);
      }
    }
    await clock.advance(5000);
    const afterMs = (host.deaths[0]?.atMs ?? Infinity) - pingedMs;
    assert.ok(afterMs >= 1000 + 4 * 500, `dead after ${afterMs} ms`);
    assert.ok(afterMs <= 1000 + 4 * 600 + 500, `dead after ${afterMs} ms`);
    assert.equal(host.pings.filter(({ atMs }) => atMs <= pingedMs + afterMs).length, 1);
  });

  it('that suspends the machine, uncounted by any clock, kills no peer', async () => {
    const { clock, host } = setUp([{ answersAfterMs: undefined }], { periodMs: 1000, timeoutMs: 1000 });
    await clock.advance(1900);
    for (const peer of host.peers.values()) peer.answersAfterMs = 300;
    await clock.suspendMachine(3_600_000);
    await clock.advance(5000);
    assert.deepEqual(host.deaths, []);
    assert.equal(host.stalls[0]?.of, 'process');
  });

  it('that suspends the machine just after a ping has that ping sent again', async () => {
    const { clock, host } = setUp([{ answersAfterMs: undefined }], { periodMs: 1000, timeoutMs: 1000 });
    host.beginsAfterMs = 20;
    await clock.advance(1050);
    assert.equal(host.pings.length, 1);
    // What was sent before may have been lost: the network was away as well.
    await clock.suspendMachine(3_600_000);
    await clock.advance(200);
    assert.equal(host.pings.length, 2);
  });

  it('is not reported because the system counts its uptime in whole seconds', async () => {
    for (const [periodMs, timeoutMs] of [
      [1037, 300],
      [2913, 700],
      [1037, 2000],
    ] as const) {
      const clock = new CoarseUptime();
      const { host } = setUp([{ answersAfterMs: 200 }], { periodMs, timeoutMs }, undefined, false, clock);
      await clock.advance(60_000);
      assert.deepEqual(host.stalls, []);
    }
  });

  it('is reported once, with the time that was lost in it', async () => {
    const { clock, host } = setUp([{ answersAfterMs: 300 }], { periodMs: 1000, timeoutMs: 1000 });
    await clock.advance(1050);
    host.block(5000);
    await clock.advance(20_000);
    assert.equal(host.stalls.length, 1);
    assert.equal(host.stalls[0]?.of, 'loop');
    assert.ok(Math.abs((host.stalls[0]?.durationMs ?? 0) - 5000) <= 200);
  });

  it('of the process within a longer one of the main loop does not hide it', async () => {
    const { clock, host } = setUp([{ answersAfterMs: undefined }, { answersAfterMs: 1 }], {
      periodMs: 60_000,
    });
    await clock.advance(60_100);
    const [, second] = host.peers.values();
    if (second) second.answersAfterMs = undefined;
    const before = host.pings.length;
    host.block(10_000);
    await clock.advance(100);
    await clock.stopProcess(700);
    await clock.advance(9600);
    const freeMs = clock.now() - 400;
    await clock.advance(4000);
    assert.deepEqual(
      host.stalls.map(({ of, durationMs }) => [of, Math.round(durationMs / 1000)]),
      [
        ['process', 1],
        ['loop', 9],
      ],
    );
    assert.equal(host.pings.length - before, 2);
    for (const { atMs } of host.deaths) assert.ok(atMs - freeMs <= 3000, `dead after ${atMs - freeMs} ms`);
    assert.equal(host.deaths.length, 2);
  });

  it('of the process does not hide an earlier, longer one; both are reported', async () => {
    const { clock, host } = setUp([{ answersAfterMs: undefined }], { periodMs: 60_000 });
    await clock.advance(60_100);
    const before = host.pings.length;
    host.block(8000);
    await clock.advance(100);
    await clock.stopProcess(6000);
    await clock.stopProcess(1200);
    await clock.advance(2000);
    assert.deepEqual(
      host.stalls.filter(({ of }) => of === 'process').map(({ durationMs }) => Math.round(durationMs / 100)),
      [60, 10],
    );
    assert.equal(host.pings.length - before, 1);
  });

  it('delays the verdict on a peer that died in it by timeout + 1 s at most', async () => {
    const { clock, host } = setUp([{ answersAfterMs: undefined }], { periodMs: 10_000, timeoutMs: 2000 });
    await clock.advance(10_500);
    host.block(30_000);
    await clock.advance(30_000);
    const turningAgainMs = clock.now();
    await clock.advance(10_000);
    assert.ok((host.deaths[0]?.atMs ?? Infinity) - turningAgainMs <= 2000 + 1000);
    assert.equal(host.pings.filter(({ atMs }) => atMs <= (host.deaths[0]?.atMs ?? 0)).length, 2);
  });

  for (const stallMs of [4000, 8000, 30_000]) {
    it(`of ${stallMs} ms does not hide for long that a peer replied and then died`, async () => {
      const { clock, host } = setUp([{ answersAfterMs: 300 }], { periodMs: 10_000, timeoutMs: 2000 });
      await clock.advance(10_100);
      host.block(stallMs);
      await clock.advance(400);
      for (const peer of host.peers.values()) peer.answersAfterMs = undefined;
      await clock.advance(stallMs - 400);
      const turningAgainMs = clock.now();
      await clock.advance(30_000);
      const afterMs = (host.deaths[0]?.atMs ?? Infinity) - turningAgainMs;
      assert.ok(afterMs <= 2000 + 1000, `dead after ${afterMs} ms`);
    });

    it(`of the process for ${stallMs} ms with no ping out is followed by pings to all`, async () => {
      const peers = Array.from({ length: 400 }, () => ({ answersAfterMs: 1 }));
      const { clock, host } = setUp(peers, { periodMs: 10_000, timeoutMs: 2000 });
      await clock.advance(20_000);
      for (const peer of host.peers.values()) peer.answersAfterMs = undefined;
      await clock.stopProcess(stallMs);
      await clock.advance(2000 + 1000);
      assert.equal(new Set(host.deaths.map(({ id }) => id)).size, 400);
    });
  }

  it('of the main loop that recurs does not postpone the verdict forever', async () => {
    const { clock, host } = setUp([{ answersAfterMs: undefined }], { periodMs: 10_000, timeoutMs: 2000 });
    await clock.advance(10_500);
    let turningMs = 500;
    while (host.deaths.length === 0 && turningMs < 10_000) {
      host.block(1100);
      await clock.advance(1100);
      await clock.advance(700);
      turningMs += 700;
    }
    assert.ok(turningMs <= 2 * 2000 + 1000, `dead after ${turningMs} ms of turning`);
  });

  it('of the process that recurs does not postpone the verdict forever', async () => {
    const { clock, host } = setUp([{ answersAfterMs: undefined }], { periodMs: 10_000, timeoutMs: 2000 });
    await clock.advance(10_500);
    let turningMs = 500;
    while (host.deaths.length === 0 && turningMs < 30_000) {
      await clock.stopProcess(2500);
      await clock.advance(1700);
      turningMs += 1700;
    }
    assert.ok(turningMs <= 10_000, `dead after ${turningMs} ms of turning`);
  });

  it('does not count as silence, however long ago the last byte came', async () => {
    const { clock, host, ids } = setUp([{ answersAfterMs: undefined }], { periodMs: 2000, timeoutMs: 2000 });
    await clock.advance(2050);
    // Half a reply.
    host.receive(ids[0] as number);
    for (let i = 0; i < 5; i++) {
      await clock.advance(53.1);
      host.block(1200);
      await clock.advance(1200);
    }
    assert.deepEqual(host.deaths, []);
  });

  it('never kills a peer that replies within the timeout, in any sequence', async () => {
    const step = fc.record({
      turnMs: fc.integer({ min: 0, max: 1500 }),
      blockMs: fc.integer({ min: 0, max: 4000 }),
      stopMs: fc.integer({ min: 0, max: 2000 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 15 }),
        fc.integer({ min: 0, max: 900 }),
        async (steps, answersAfterMs) => {
          const { clock, host } = setUp([{ answersAfterMs }], {
            periodMs: 1000,
            timeoutMs: 1000,
            jitter: 0.1,
            concurrency: 128,
          });
          for (const { turnMs, blockMs, stopMs } of steps) {
            await clock.advance(turnMs);
            host.block(blockMs);
            await clock.advance(blockMs / 2);
            if (stopMs > 1000) await clock.stopProcess(stopMs);
            await clock.advance(blockMs / 2);
          }
          await clock.advance(3000);
          assert.deepEqual(host.deaths, []);
        },
      ),
      { numRuns: 50 },
    );
  });
});
