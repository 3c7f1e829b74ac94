import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PingLoop } from '#src/loop/ping-loop.js';
import { Board } from '#src/threads/board.js';
import { budgetsFor } from '#src/threads/budgets.js';
import { ManualClock } from './manual-clock.js';
import { type Peer, SimulatedHost } from './simulated-host.js';

/**
 * The loop against a model of the world: random sequences of stalls, replies, deaths, uploads and changes, each followed by a
 * check of a promise of docs/how-it-decides.md.
 */

const periodMs = 10_000;
const timeoutMs = 2000;
const budgets = budgetsFor(timeoutMs);
/** What the bound allows beyond period and timeout. */
const marginMs = 1000;

type Step =
  | { readonly type: 'turn'; readonly ms: number }
  /** The main loop is blocked, with a stall of the process in the middle. */
  | { readonly type: 'block'; readonly ms: number; readonly stopMs: number }
  | { readonly type: 'stop'; readonly ms: number }
  /** The machine is suspended, which no clock counts. */
  | { readonly type: 'suspend'; readonly ms: number }
  /** The pings of a sweep are begun late, as those of its later batches, or block the main loop as they are sent. */
  | { readonly type: 'delay'; readonly beginsAfterMs: number; readonly blocksMs: number }
  | { readonly type: 'die'; readonly peer: number; readonly isPathGone: boolean }
  | { readonly type: 'receive'; readonly peer: number }
  | { readonly type: 'lock'; readonly peer: number; readonly locked: boolean }
  | { readonly type: 'upload'; readonly peer: number; readonly ms: number }
  | { readonly type: 'add'; readonly answersAfterMs: number }
  | { readonly type: 'remove'; readonly peer: number }
  | { readonly type: 'replace' };

const peer = fc.nat({ max: 20 });
const answersAfterMs = fc.integer({ min: 0, max: 0.9 * timeoutMs });
const stallMs = fc.oneof(fc.integer({ min: 0, max: timeoutMs }), fc.integer({ min: 0, max: 6 * timeoutMs }));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('turn'), ms: fc.integer({ min: 0, max: 6000 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('block'),
      ms: stallMs,
      stopMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 * timeoutMs })),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('stop'), ms: stallMs }) },
  fc.record({ type: fc.constant('suspend'), ms: fc.integer({ min: 2000, max: 3_600_000 }) }),
  fc.record({
    type: fc.constant('delay'),
    beginsAfterMs: fc.integer({ min: 0, max: 100 }),
    blocksMs: fc.oneof(fc.constant(0), stallMs),
  }),
  fc.record({ type: fc.constant('die'), peer, isPathGone: fc.boolean() }),
  fc.record({ type: fc.constant('receive'), peer }),
  fc.record({ type: fc.constant('lock'), peer, locked: fc.boolean() }),
  fc.record({ type: fc.constant('upload'), peer, ms: fc.integer({ min: 0, max: 4 * timeoutMs }) }),
  fc.record({ type: fc.constant('add'), answersAfterMs }),
  fc.record({ type: fc.constant('remove'), peer }),
  fc.record({ type: fc.constant('replace') }),
) as fc.Arbitrary<Step>;

/** A loop, its host, and the truth about its peers. */
class World {
  readonly clock = new ManualClock();
  readonly board = new Board();
  readonly host = new SimulatedHost(this.clock, this.board);
  /** The peers that do not reply any more, and for how long the main loop has turned since. */
  readonly dead = new Map<number, number>();
  /** How much time was really lost: no more may be reported. */
  lostMs = 0;
  #loop: PingLoop;

  constructor(peers: readonly number[]) {
    for (const ms of peers) this.host.add({ answersAfterMs: ms });
    this.#loop = this.#start(false);
  }

  get live(): number[] {
    return [...this.host.peers.keys()].filter((id) => !this.dead.has(id));
  }

  async run(step: Step): Promise<void> {
    switch (step.type) {
      case 'turn':
        return this.turn(step.ms);
      case 'block': {
        const stopMs = step.stopMs < step.ms ? step.stopMs : 0;
        const half = (step.ms - stopMs) / 2;
        this.host.block(step.ms);
        await this.clock.advance(half);
        if (stopMs > 0) await this.clock.stopProcess(stopMs);
        // So that the main loop polls within it.
        await this.clock.advance(half + 1);
        return this.#lost(step.ms);
      }
      case 'stop':
        await this.clock.stopProcess(step.ms);
        return this.#lost(step.ms);
      case 'suspend':
        await this.clock.suspendMachine(step.ms);
        return this.#lost(step.ms);
      case 'delay':
        this.host.beginsAfterMs = step.beginsAfterMs;
        this.host.blocksInPingMs = step.blocksMs === 0 ? undefined : step.blocksMs;
        return this.#lost(step.blocksMs);
      case 'die':
        return this.#change(step.peer, (peer, id) => {
          peer.answersAfterMs = undefined;
          if (step.isPathGone) peer.goneSinceMs = this.clock.now();
          this.dead.set(id, 0);
        });
      case 'receive':
        return this.#change(step.peer, (_, id) => this.host.receive(id));
      case 'lock':
        return this.#change(step.peer, (peer) => {
          peer.locked = step.locked;
        });
      case 'upload':
        return this.#change(step.peer, (peer) => {
          peer.uploadEndsMs = Math.max(peer.uploadEndsMs ?? 0, this.clock.now() + step.ms);
        });
      case 'add':
        return this.#loop.targetsChanged(
          Uint32Array.of(this.host.add({ answersAfterMs: step.answersAfterMs })),
        );
      case 'remove': {
        const id = this.#pick(step.peer);
        if (id === undefined) return;
        this.host.peers.delete(id);
        this.host.abandon(id);
        this.board.vacate(id);
        return this.#loop.targetsChanged(Uint32Array.of(id));
      }
      case 'replace':
        this.#loop.stop();
        this.host.abandonAll();
        this.#loop = this.#start(true);
    }
  }

  async turn(ms: number): Promise<void> {
    await this.clock.advance(ms);
    for (const [id, turnedMs] of this.dead) this.dead.set(id, turnedMs + ms);
  }

  /** Waits until nothing blocks the main loop any more, and no ping will. */
  async turnAgain(): Promise<void> {
    this.host.blocksInPingMs = undefined;
    await this.turn(Math.max(0, this.host.blockedUntilMs - this.clock.now()));
  }

  stop(): void {
    this.#loop.stop();
  }

  #start(replaces: boolean): PingLoop {
    const { board, host, clock } = this;
    const settings = { periodMs, timeoutMs, jitter: 0.1, concurrency: 128 };
    const loop = new PingLoop({
      settings,
      board,
      host,
      clock,
      readTcpTable: host.readTcpTable,
      random: () => 0.5,
    });
    loop.start(clock.now(), replaces);
    return loop;
  }

  #lost(ms: number): void {
    this.lostMs += ms;
  }

  #pick(index: number): number | undefined {
    const { live } = this;
    return live[index % live.length];
  }

  #change(index: number, change: (peer: Peer, id: number) => void): void {
    const id = this.#pick(index);
    const peer = id === undefined ? undefined : this.host.peers.get(id);
    if (id !== undefined && peer !== undefined) change(peer, id);
  }
}

describe('In a random world, the ping loop promises that', { timeout: 120_000 }, () => {
  const sequences = (check: (world: World, steps: readonly Step[]) => Promise<void>) =>
    fc.assert(
      fc.asyncProperty(
        fc.array(answersAfterMs, { minLength: 1, maxLength: 6 }),
        fc.array(step, { maxLength: 20 }),
        async (peers, steps) => {
          const world = new World(peers);
          for (const step of steps) await world.run(step);
          await world.turnAgain();
          await check(world, steps);
          world.stop();
          assert.deepEqual(world.host.panics, []);
        },
      ),
      { numRuns: 300 },
    );
  const deathsOf = ({ host }: World) => new Set(host.deaths.map(({ id }) => id));

  it('a peer that answers within the timeout is never declared dead', async () => {
    await sequences(async (world) => {
      await world.turn(2 * (periodMs + timeoutMs));
      assert.deepEqual(
        [...deathsOf(world)].filter((id) => !world.dead.has(id)),
        [],
      );
    });
  });

  it('a silent peer is declared dead within period + timeout + 1 s', async () => {
    await sequences(async (world) => {
      for (const { uploadEndsMs = 0 } of world.host.peers.values())
        await world.turn(Math.max(0, uploadEndsMs - world.clock.now()));
      await world.turn(periodMs + timeoutMs + marginMs);
      const found = deathsOf(world);
      const missing = [...world.dead.keys()].filter((id) => world.host.peers.has(id) && !found.has(id));
      assert.deepEqual(missing, []);
    });
  });

  it('after a long stall, silent peers are dead within timeout + 1 s', async () => {
    await sequences(async (world) => {
      for (const { uploadEndsMs = 0 } of world.host.peers.values())
        await world.turn(Math.max(0, uploadEndsMs - world.clock.now()));
      // Long enough for some ping to be due in it: a shorter stall may pass unnoticed between two pings.
      await world.run({ type: 'stop', ms: periodMs + timeoutMs });
      await world.turn(timeoutMs + marginMs);
      const found = deathsOf(world);
      const missing = [...world.dead.keys()].filter((id) => world.host.peers.has(id) && !found.has(id));
      assert.deepEqual(missing, []);
    });
  });

  it('after a stall of the timeout or more, every target is pinged soon', async () => {
    await sequences(async (world) => {
      await world.run({ type: 'stop', ms: periodMs + timeoutMs });
      const sinceMs = world.clock.now();
      await world.turn(budgets.afterStallMs + budgets.lockMs + 2 * budgets.tickMs);
      const pinged = new Set(world.host.written.filter(({ atMs }) => atMs >= sinceMs).map(({ id }) => id));
      // Except those whose pings have already been sent again without a reply.
      assert.deepEqual(
        world.live.filter((id) => !pinged.has(id) && !world.host.isOut(id)),
        [],
      );
    });
  });

  it('each stall is reported, and never as longer than it was', async () => {
    await sequences(async (world, steps) => {
      await world.turn(periodMs + timeoutMs);
      const reportedMs = world.host.stalls.reduce((sum, { durationMs }) => sum + durationMs, 0);
      assert.ok(
        reportedMs <= world.lostMs + 50 * steps.length,
        `reported ${reportedMs} ms, lost ${world.lostMs} ms`,
      );
      // Without targets there is no timer that could be late.
      if (steps.some(({ type }) => type === 'remove')) return;
      const stops = steps.filter(({ type }) => type === 'stop') as { readonly ms: number }[];
      // The timer may have been due up to a period after the stall began.
      for (const { ms } of stops.filter(({ ms }) => ms > periodMs + budgets.processStallMs))
        assert.ok(
          world.host.stalls.some(({ of, durationMs }) => of === 'process' && durationMs >= ms - periodMs),
          `a stall of ${ms} ms was not reported`,
        );
    });
  });

  it('a ping holds the lock for at most its budget, timeout and two ticks', async () => {
    await sequences(async (world) => {
      await world.turn(periodMs + 2 * timeoutMs);
      const mostMs = budgets.lockMs + timeoutMs + 2 * budgets.tickMs;
      const longest = Math.max(0, ...world.host.holdsMs);
      assert.ok(longest <= mostMs + world.lostMs, `${longest} of ${mostMs} ms`);
    });
  });

  it('every target is pinged at least once in every period', async () => {
    await sequences(async (world) => {
      await world.turn(periodMs + timeoutMs + marginMs);
      const sinceMs = world.clock.now();
      await world.turn(periodMs + budgets.tickMs);
      const pinged = new Set(world.host.pings.filter(({ atMs }) => atMs >= sinceMs).map(({ id }) => id));
      const missing = world.live.filter((id) => !pinged.has(id));
      assert.deepEqual(missing, []);
    });
  });
});
