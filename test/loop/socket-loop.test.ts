import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PingLoop } from '#src/loop/ping-loop.js';
import { SocketLoop } from '#src/loop/socket-loop.js';
import type { TableFailure } from '#src/tcp/diagnosis.js';
import { Board } from '#src/threads/board.js';
import { socketBounds } from '#src/threads/budgets.js';
import { ManualClock } from './manual-clock.js';
import { SimulatedHost } from './simulated-host.js';
import { SimulatedConnection, SimulatedKernel } from './socket-kernel.js';

const probeDelayMs = 10_000;
const timeoutMs = 5000;
const refused: TableFailure = { path: '/proc/self/net/tcp', reason: 'refused', code: 'EACCES' };
const malformed6: TableFailure = { path: '/proc/self/net/tcp6', reason: 'malformed' };
interface LoopSetUp {
  /** How long a look takes. */
  readonly lookMs: number;
  readonly timeout: number;
  readonly cpuMs: () => number;
}

const path = { roundTripMs: 20, lateness: 0, saysUnreachable: false };

function setUp({ lookMs = 0, timeout = timeoutMs, cpuMs }: Partial<LoopSetUp> = {}) {
  const clock = new ManualClock();
  const kernel = new SimulatedKernel(clock);
  const loop = new SocketLoop({
    timeoutMs: timeout,
    sockets: kernel,
    host: kernel,
    clock,
    cpuMs,
    readTable: (...reading) => {
      clock.passes(lookMs);
      return kernel.readTable(...reading);
    },
  });
  let port = 1000;
  const add = () => {
    port += 1;
    const connection = new SimulatedConnection(port, probeDelayMs, path, clock.now());
    kernel.add(connection);
    return connection;
  };
  return { clock, kernel, loop, add };
}

describe('The loop over watched sockets', () => {
  it('has no timer while nothing is watched', async () => {
    const { clock, kernel, loop, add } = setUp();
    await clock.advance(60_000);
    assert.equal(clock.fired, 0);
    const connection = add();
    loop.start();
    await clock.advance(10_000);
    assert.ok(kernel.readings.length > 0);
    kernel.remove(connection);
    await clock.advance(10_000);
    const { fired } = clock;
    await clock.advance(60_000);
    assert.equal(clock.fired, fired);
    add();
    loop.start();
    await clock.advance(10_000);
    assert.ok(clock.fired > fired);
  });

  it('goes on looking after its only socket was replaced during a look', async () => {
    const { clock, kernel, loop, add } = setUp();
    const first = add();
    loop.start();
    // The size is read first, so what is added just after that is beyond the slots that this look reads.
    const size = Object.getOwnPropertyDescriptor(SimulatedKernel.prototype, 'size')?.get as () => number;
    let second: SimulatedConnection | undefined;
    Object.defineProperty(kernel, 'size', {
      get: () => {
        const before = size.call(kernel);
        if (second === undefined) {
          second = add();
          kernel.remove(first);
        }
        return before;
      },
    });
    await clock.advance(timeoutMs);
    assert.deepEqual([kernel.count, kernel.readings.length], [1, 0]);
    await clock.advance(timeoutMs);
    assert.ok(kernel.readings.length > 0);
  });

  it('looks once in a timeout while all is well', async () => {
    const { clock, kernel, loop, add } = setUp();
    for (let count = 0; count < 100; count++) add();
    loop.start();
    await clock.advance(60_000);
    assert.equal(kernel.readings.length, 60_000 / timeoutMs);
  });

  it('reads the table of IPv6 only for a connection that is not in the other one', async () => {
    const { clock, kernel, loop, add } = setUp();
    add();
    loop.start();
    await clock.advance(60_000);
    assert.deepEqual(new Set(kernel.readings), new Set(['ipv4']));
    add().remoteAddress = [0x20010db8, 0, 0, 1];
    await clock.advance(timeoutMs);
    assert.ok(kernel.readings.includes('ipv6'));
  });

  it('finds many that die together, each within its bound', async () => {
    const { clock, kernel, loop, add } = setUp();
    const connections = Array.from({ length: 200 }, add);
    loop.start();
    await clock.advance(12_345);
    for (const [index, connection] of connections.entries()) {
      connection.advance(clock.now());
      connection.isUp = false;
      if (index % 2 === 0) connection.write(10);
    }
    const cutMs = clock.now();
    const { idleMs, inFlightMs } = socketBounds(probeDelayMs, timeoutMs);
    await clock.advance(idleMs);
    assert.equal(kernel.deaths.length, 200);
    for (const { connection, atMs, death } of kernel.deaths) {
      const boundMs = connection.unacknowledgedBytes > 0 ? inFlightMs : idleMs;
      assert.ok(atMs - cutMs <= boundMs, `after ${atMs - cutMs} ms: ${JSON.stringify(death)}`);
    }
  });

  it('finds a connection in time whose routers say that there is no way', async () => {
    const { clock, kernel, loop } = setUp({ timeout: 20_000 });
    const unreachable = { roundTripMs: 151, lateness: 0, saysUnreachable: true };
    const connection = new SimulatedConnection(1000, probeDelayMs, unreachable, clock.now());
    kernel.add(connection);
    loop.start();
    await clock.advance(130_000);
    connection.advance(clock.now());
    connection.isUp = false;
    connection.write(10);
    await clock.advance(25_000);
    assert.equal(kernel.deaths.length, 1);
  });

  it('keeps its looks apart by several times what each takes', async () => {
    const { clock, kernel, loop, add } = setUp({ lookMs: 300, timeout: 1000 });
    const connection = add();
    loop.start();
    await clock.advance(60_000);
    assert.ok(kernel.readings.length <= 60_000 / 3000, `${kernel.readings.length} looks`);
    kernel.readings.length = 0;
    connection.isUp = false;
    // Evidence that comes and goes.
    for (let second = 0; second < 60; second++) {
      connection.advance(clock.now());
      connection.isUp = second % 2 === 1;
      connection.write(10);
      await clock.advance(1000);
    }
    assert.ok(kernel.readings.length <= 60_000 / 1200, `${kernel.readings.length} looks`);
    assert.deepEqual(kernel.deaths, []);
  });

  it('rests by what its looks cost, not by how long they wait to run', async () => {
    let cpuMs = 0;
    const busy = { lookMs: 3000, cpuMs: () => cpuMs++ };
    const { clock, kernel, loop, add } = setUp(busy);
    add();
    loop.start();
    await clock.advance(60_000);
    assert.ok(kernel.readings.length >= 7, `${kernel.readings.length} looks`);
  });

  it('is not taken for a stall by the ping loop when its looks are long', async () => {
    const timeout = 2000;
    const clock = new ManualClock();
    const board = new Board();
    const host = new SimulatedHost(clock, board);
    for (let count = 0; count < 20; count++) host.add({ answersAfterMs: 300 });
    const settings = { periodMs: 1000, timeoutMs: timeout, jitter: 0, concurrency: 128 };
    const pingLoop = new PingLoop({ settings, board, host, clock, random: () => 0.5 });
    pingLoop.start(clock.now());
    const kernel = new SimulatedKernel(clock);
    kernel.add(new SimulatedConnection(1000, probeDelayMs, path, clock.now()));
    const loop = new SocketLoop({
      timeoutMs: timeout,
      sockets: kernel,
      host: kernel,
      clock,
      readTable: (...reading) => {
        clock.passes(900);
        return kernel.readTable(...reading);
      },
      onLooked: (span) => pingLoop.looked(span),
    });
    loop.start();
    await clock.advance(120_000);
    assert.ok(kernel.readings.length >= 10);
    assert.deepEqual(host.stalls, []);
    assert.ok(host.pings.length > 20 * 60);
  });

  it('does not take a machine that was away for a dead path', async () => {
    const { clock, kernel, loop, add } = setUp();
    const connection = add();
    loop.start();
    const nextLook = async () => {
      const before = kernel.readings.length;
      while (kernel.readings.length === before) await clock.advance(10);
    };
    await nextLook();
    connection.advance(clock.now());
    connection.isUp = false;
    connection.write(10);
    await nextLook();
    connection.advance(clock.now());
    assert.equal(connection.retransmits, 4);
    // With the fifth the kernel's account is over the timeout, and there is an answer to it.
    connection.isUp = true;
    connection.jump(clock.now() + 3000);
    await clock.stopProcess(3000);
    await clock.advance(20_000);
    assert.equal(connection.retransmits, 0);
    assert.deepEqual(kernel.deaths, []);
  });

  it('finds the dead on a machine where each look is late', async () => {
    const { clock, kernel, loop, add } = setUp({ timeout: 1000 });
    const connection = add();
    loop.start();
    connection.isUp = false;
    connection.write(10);
    for (let count = 0; count < 20; count++) await clock.stopProcess(1500);
    assert.equal(kernel.deaths.length, 1);
  });

  it('reports once that the table cannot be read, and again that it can', async () => {
    const { clock, kernel, loop, add } = setUp();
    const connection = add();
    loop.start();
    kernel.failing.ipv4 = refused;
    await clock.advance(30_000);
    assert.deepEqual(kernel.failures, [refused]);
    delete kernel.failing.ipv4;
    await clock.advance(10_000);
    assert.deepEqual(kernel.failures, [refused, undefined]);
    connection.advance(clock.now());
    connection.isUp = false;
    await clock.advance(socketBounds(probeDelayMs, timeoutMs).idleMs);
    assert.equal(kernel.deaths.length, 1);
  });

  it('reports the table that its sockets are in where no table can be read', async () => {
    const { clock, kernel, loop, add } = setUp();
    add();
    loop.start();
    Object.assign(kernel.failing, { ipv4: refused, ipv6: malformed6 });
    await clock.advance(30_000);
    assert.deepEqual(kernel.failures, [refused]);
  });

  it('does not report that a table can be read before it has read it', async () => {
    const { clock, kernel, loop, add } = setUp();
    const { localPort } = add();
    loop.start();
    kernel.failing.ipv6 = malformed6;
    await clock.advance(30_000);
    assert.deepEqual(kernel.failures, []);
    kernel.passedOver.add(localPort);
    await clock.advance(timeoutMs);
    kernel.passedOver.clear();
    await clock.advance(30_000);
    assert.deepEqual(kernel.failures, [malformed6]);
    delete kernel.failing.ipv6;
    kernel.passedOver.add(localPort);
    await clock.advance(timeoutMs);
    assert.deepEqual(kernel.failures, [malformed6, undefined]);
  });

  it('reports once a table that has never shown a socket, and again when it does', async () => {
    const { clock, kernel, loop, add } = setUp();
    const ports = [add(), add()].map(({ localPort }) => localPort);
    for (const port of ports) kernel.passedOver.add(port);
    loop.start();
    await clock.advance(2 * timeoutMs);
    assert.deepEqual(kernel.failures, []);
    await clock.advance(60_000);
    const foreign = { path: '/proc/self/net/tcp', reason: 'foreign' };
    assert.deepEqual(kernel.failures, [foreign]);
    kernel.passedOver.delete(ports[0] as number);
    await clock.advance(timeoutMs);
    assert.deepEqual(kernel.failures, [foreign, undefined]);
    // As where all are closed, and this process does not get to say so.
    kernel.passedOver.add(ports[0] as number);
    await clock.advance(60_000);
    assert.deepEqual(kernel.failures, [foreign, undefined]);
  });

  for (const [how, growth] of [
    ['connections', 0],
    ['more and more connections', 1],
  ] as const) {
    it(`does not report a table for ${how} that are closed when it looks`, async () => {
      const { clock, kernel, loop, add } = setUp();
      kernel.remove(add());
      loop.start();
      let last: SimulatedConnection[] = [];
      for (let look = 0; look < 10; look++) {
        const connections = Array.from({ length: 1 + look * growth }, add);
        for (const { localPort } of connections) kernel.passedOver.add(localPort);
        for (const connection of last) kernel.remove(connection);
        last = connections;
        await clock.advance(timeoutMs);
      }
      assert.deepEqual(kernel.failures, []);
    });
  }

  it('reports a table that never shows a lasting connection among short ones', async () => {
    const { clock, kernel, loop, add } = setUp();
    let short = add();
    kernel.passedOver.add(short.localPort);
    kernel.passedOver.add(add().localPort);
    loop.start();
    for (let look = 0; look < 5; look++) {
      await clock.advance(timeoutMs);
      kernel.remove(short);
      short = add();
      kernel.passedOver.add(short.localPort);
    }
    assert.deepEqual(kernel.failures, [{ path: '/proc/self/net/tcp', reason: 'foreign' }]);
  });

  it('goes on after a look that throws', async () => {
    const { clock, kernel, loop, add } = setUp();
    add();
    loop.start();
    const add6 = add();
    Object.defineProperty(add6, 'writeRow', { value: () => assert.fail('a fault'), configurable: true });
    await clock.advance(10_000);
    assert.ok(kernel.panics.length > 0);
    Reflect.deleteProperty(add6, 'writeRow');
    add6.advance(clock.now());
    add6.isUp = false;
    await clock.advance(socketBounds(probeDelayMs, timeoutMs).idleMs);
    assert.equal(kernel.deaths.length, 1);
  });

  it('looks at nothing once it is stopped', async () => {
    const { clock, kernel, loop, add } = setUp();
    add().isUp = false;
    loop.start();
    kernel.onConclude = () => loop.stop();
    await clock.advance(60_000);
    const { fired } = clock;
    loop.start();
    await clock.advance(60_000);
    assert.equal(clock.fired, fired);
  });
});
