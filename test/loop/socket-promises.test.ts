import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SocketLoop } from '#src/loop/socket-loop.js';
import { socketBounds } from '#src/threads/budgets.js';
import { ManualClock } from './manual-clock.js';
import { SimulatedConnection, SimulatedKernel } from './socket-kernel.js';

/**
 * The loop against a model of the kernel: random sequences of loss, writes, closed windows, stops of the process, machines
 * that are away, and sockets that come and go; and after each what is promised of watched sockets.
 */

type Step =
  | { readonly type: 'run'; readonly ms: number }
  /** Packets of one connection are lost for a while. */
  | {
      readonly type: 'cut' | 'unplug' | 'heal' | 'write' | 'closeWindow' | 'openWindow' | 'replace';
      readonly at: number;
    }
  /** The process is stopped and the kernel is not. */
  | { readonly type: 'stop' | 'suspend' | 'jump'; readonly ms: number }
  | { readonly type: 'passOver'; readonly at: number }
  | { readonly type: 'add' };

const at = fc.nat({ max: 20 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant('run' as const), ms: fc.integer({ min: 0, max: 4000 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constantFrom('cut' as const, 'unplug' as const, 'heal' as const, 'write' as const),
      at,
    }),
  },
  fc.record({ type: fc.constantFrom('closeWindow' as const, 'openWindow' as const, 'replace' as const), at }),
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constantFrom('stop' as const, 'suspend' as const, 'jump' as const),
      ms: fc.integer({ min: 0, max: 30_000 }),
    }),
  },
  fc.record({ type: fc.constant('passOver' as const), at }),
  fc.record({ type: fc.constant('add' as const) }),
);

const times = fc.constantFrom(
  { probeDelayMs: 10_000, timeoutMs: 5000 },
  { probeDelayMs: 1000, timeoutMs: 1000 },
  { probeDelayMs: 3000, timeoutMs: 400 },
  { probeDelayMs: 30_000, timeoutMs: 20_000 },
);
const path = fc.record({
  roundTripMs: fc.integer({ min: 1, max: 200 }),
  lateness: fc.double({ min: 0, max: 0.02, noNaN: true }),
  saysUnreachable: fc.boolean(),
});
type Times = typeof times extends fc.Arbitrary<infer T> ? T : never;
type SomePath = typeof path extends fc.Arbitrary<infer T> ? T : never;

class World {
  readonly clock = new ManualClock();
  readonly kernel = new SimulatedKernel(this.clock);
  readonly times: Times;
  /** What was wrong with a verdict, or is with one that is missing. */
  readonly wrong: string[] = [];
  readonly #loop: SocketLoop;
  readonly #paths: readonly SomePath[];
  #added = 0;

  constructor(times: Times, paths: readonly SomePath[]) {
    this.times = times;
    this.#paths = paths;
    const { kernel, clock } = this;
    this.#loop = new SocketLoop({
      timeoutMs: times.timeoutMs,
      sockets: kernel,
      host: kernel,
      clock,
      readTable: kernel.readTable,
    });
    kernel.onConclude = ({ connection, atMs, death }) => {
      const { unansweredSinceMs = Infinity, retransmits, unansweredProbes } = connection;
      const lastedMs = atMs - unansweredSinceMs;
      // What is reported is a whole number.
      const isProven = lastedMs >= times.timeoutMs && death.unansweredMs <= lastedMs + 1;
      const leastProbes = connection.isAsking ? 3 : 2;
      if (!isProven || (retransmits === 0 && unansweredProbes < leastProbes))
        this.wrong.push(`${JSON.stringify(death)} after ${lastedMs} ms`);
      kernel.remove(connection);
    };
    for (const _ of paths) this.add();
  }

  add(): SimulatedConnection {
    this.#added += 1;
    const path = this.#paths[this.#added % this.#paths.length] as SomePath;
    const nowMs = this.clock.now();
    // Some have the same port, as those to different servers may.
    const localPort = 1000 + (this.#added % 3);
    const connection = new SimulatedConnection(localPort, this.times.probeDelayMs, path, nowMs);
    connection.remoteAddress = [0, 0, this.#added % 5 === 0 ? 1 : 0xffff, this.#added];
    this.kernel.add(connection);
    this.#loop.start();
    return connection;
  }

  async run(step: Step): Promise<void> {
    const { kernel, clock } = this;
    this.#advanceKernel();
    const { connections } = kernel;
    const connection = 'at' in step ? connections[step.at % connections.length] : undefined;
    switch (step.type) {
      case 'run':
        return clock.advance(step.ms);
      case 'stop':
        return clock.stopProcess(step.ms);
      case 'suspend':
        for (const each of connections) each.suspend();
        return clock.suspendMachine(step.ms);
      case 'jump': {
        for (const each of connections) each.jump(clock.now() + step.ms);
        return clock.stopProcess(step.ms);
      }
      case 'add':
        this.add();
        return;
      case 'cut':
      case 'unplug':
      case 'heal':
        if (connection === undefined) return;
        connection.isUp = step.type === 'heal';
        connection.canLeave = step.type !== 'unplug';
        return;
      case 'write':
        return connection?.write(100);
      case 'closeWindow':
      case 'openWindow':
        return connection?.[step.type]();
      case 'passOver':
        if (connection !== undefined) kernel.passedOver.add(connection.localPort);
        await clock.advance(1000);
        kernel.passedOver.clear();
        return;
      case 'replace':
        if (connection === undefined) return;
        kernel.remove(connection);
        this.add();
    }
  }

  /** Lets all be well, so that what follows begins at a known moment. */
  async heal(): Promise<void> {
    this.#advanceKernel();
    for (const connection of this.kernel.connections) {
      connection.isUp = true;
      connection.canLeave = true;
      connection.openWindow();
    }
    await this.clock.advance(130_000);
    this.#advanceKernel();
  }

  cutAll({ canLeave = true } = {}): void {
    this.#advanceKernel();
    for (const connection of this.kernel.connections) Object.assign(connection, { isUp: false, canLeave });
  }

  stop(): void {
    this.#loop.stop();
  }

  #advanceKernel(): void {
    for (const connection of this.kernel.connections) connection.advance(this.clock.now());
  }
}

const shortfall = ({ path }: SimulatedConnection) =>
  path.saysUnreachable ? path.roundTripMs / (200 + path.roundTripMs) : 0;

describe('The promises to watched sockets, in a random world', { timeout: 120_000 }, () => {
  const sequences = (check: (world: World) => Promise<void>) =>
    fc.assert(
      fc.asyncProperty(
        times,
        fc.array(path, { minLength: 1, maxLength: 6 }),
        fc.array(step, { maxLength: 40 }),
        async (times, paths, steps) => {
          const world = new World(times, paths);
          for (const step of steps) await world.run(step);
          await check(world);
          world.stop();
          assert.deepEqual(world.wrong, []);
          assert.deepEqual(world.kernel.panics, []);
        },
      ),
      { numRuns: 500 },
    );

  it('nobody is dead whose host has acknowledged something within the timeout', async () => {
    await sequences(async (world) => {
      await world.heal();
      const found = world.kernel.deaths.length;
      await world.clock.advance(60_000);
      assert.equal(world.kernel.deaths.length, found, 'a death where all is well');
    });
  });

  it('an idle connection that is cut off is dead within its bound', async () => {
    await sequences(async (world) => {
      await world.heal();
      world.cutAll();
      const { probeDelayMs, timeoutMs } = world.times;
      await world.clock.advance(socketBounds(probeDelayMs, timeoutMs).idleMs);
      assert.deepEqual(world.kernel.connections, []);
    });
  });

  it('a connection that is cut off with bytes in flight is dead within its bound', async () => {
    await sequences(async (world) => {
      await world.heal();
      world.cutAll();
      for (const connection of world.kernel.connections) connection.write(10);
      const { probeDelayMs, timeoutMs } = world.times;
      // Of a timeout that does not double the kernel's account is short by its part over 200 ms.
      const slowest = Math.max(0, ...world.kernel.connections.map(shortfall));
      await world.clock.advance(socketBounds(probeDelayMs, timeoutMs).inFlightMs + slowest * timeoutMs);
      assert.deepEqual(world.kernel.connections, []);
    });
  });

  it('a connection whose bytes cannot leave this host is dead within its bound', async () => {
    await sequences(async (world) => {
      await world.heal();
      world.cutAll({ canLeave: false });
      for (const connection of world.kernel.connections) connection.write(10);
      const { probeDelayMs, timeoutMs } = world.times;
      await world.clock.advance(socketBounds(probeDelayMs, timeoutMs).cutOffHereMs);
      assert.deepEqual(world.kernel.connections, []);
    });
  });

  it('a connection that died while the process was stopped is dead soon after', async () => {
    await sequences(async (world) => {
      await world.heal();
      world.cutAll();
      for (const connection of world.kernel.connections) connection.write(10);
      const { timeoutMs } = world.times;
      await world.run({ type: 'stop', ms: 4 * timeoutMs + 10_000 });
      await world.clock.advance(1000);
      assert.deepEqual(world.kernel.connections, []);
    });
  });
});
