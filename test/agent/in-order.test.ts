import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect as connectTo, createServer, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { KeepAlive, type KeepAliveTarget, StorageRegistry } from 'zeo-keepalive';
import { Ping } from '#src/agent/ping/ping.js';
import { Board } from '#src/threads/board.js';
import { QueueLock, ScriptedTarget, trackedBy } from './scripted-target.js';

/** Answers each line with `done`, one after the other; a line that is a number takes that many milliseconds. */
async function startServer(t: TestContext): Promise<number> {
  const server = createServer((socket) => {
    let last = Promise.resolve();
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      for (const line of `${chunk}`.split('\n').slice(0, -1)) {
        last = last.then(() => sleep(Number(line))).then(() => void socket.write('done\n'));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A client of that server, with one request of the application at a time, and pings. */
class LineClient implements KeepAliveTarget {
  readonly answersInOrder = true;
  generation = 1;
  ready = true;
  lastReceivedAt: number | undefined;
  pings = 0;
  busy: boolean | undefined = false;
  lock: QueueLock | undefined;
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];

  constructor(port: number) {
    this.#socket = connectTo(port, '127.0.0.1');
    this.#socket.on('data', (chunk) => {
      this.lastReceivedAt = performance.now();
      for (const _ of `${chunk}`.matchAll(/done\n/g)) this.#waiting.shift()?.resolve();
    });
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.ready = false;
      for (const { reject } of this.#waiting.splice(0)) reject(new Error('Connection lost'));
    });
  }

  async request(ms: number): Promise<void> {
    const release = await this.lock?.acquire();
    if (this.lock === undefined) this.busy = true;
    await this.#ask(ms).finally(() => {
      this.busy = false;
      release?.();
    });
  }

  ping(): Promise<void> {
    this.pings += 1;
    return this.#ask(0);
  }

  drop(error: Error): void {
    this.#socket.destroy(error);
  }

  #ask(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#socket.write(`${ms}\n`);
    });
  }
}

interface Waiting {
  resolve(): void;
  reject(error: Error): void;
}

describe('A healthy server that answers in order', { timeout: 60_000 }, () => {
  for (const hasLock of [true, false]) {
    const how = hasLock ? 'its lock is held' : 'it says that it is busy';
    it(`is not declared dead during a long request while ${how}`, async (t) => {
      const client = new LineClient(await startServer(t));
      if (hasLock) client.lock = new QueueLock();
      const registry = new StorageRegistry();
      registry.open('line', client);
      const agent = new KeepAlive({ period: 0.1, timeout: 0.3, level: 'silent' }, registry, {});
      const died: unknown[] = [];
      agent.on('connectionDied', (event) => died.push(event));
      agent.start();
      t.after(async () => {
        await agent.stop();
        client.drop(new Error('The test is over'));
      });
      await once(agent, 'pingSucceeded');
      const { pings } = client;
      await client.request(1500);
      assert.deepEqual(died, []);
      assert.ok(client.pings <= pings + 1, 'a ping that was out when it began, and no other');
      await once(agent, 'pingSucceeded');
      assert.deepEqual(died, []);
    });
  }
});

describe('A ping that waits on a connection that answers in order', () => {
  const outcomes: string[] = [];

  function setUp(target: ScriptedTarget & { busy?: boolean }) {
    outcomes.length = 0;
    const board = new Board();
    const tracked = trackedBy(board, 'main', Object.assign(target, { answersInOrder: true }));
    const ping = new Ping(tracked, board, ({ verdict }) => outcomes.push(verdict));
    ping.start();
    return { board, tracked, ping };
  }

  it('is not sent with a lock that comes free while a request is out', async () => {
    const lock = new QueueLock();
    const release = await lock.acquire();
    const target = Object.assign(new ScriptedTarget(), { lock, busy: true });
    target.busy = false;
    const { ping } = setUp(target);
    target.busy = true;
    release();
    await new Promise(setImmediate);
    assert.deepEqual([target.pings, lock.held, outcomes], [0, false, []]);
    target.busy = false;
    ping.noteTraffic();
    await new Promise(setImmediate);
    assert.deepEqual([target.pings, outcomes], [1, ['alive']]);
  });

  it('is called off when a request begins before its answer, and sent again after it', async () => {
    const target = Object.assign(new ScriptedTarget(() => new Promise(() => {})), { busy: false });
    target.lock = new QueueLock();
    const { ping, board, tracked } = setUp(target);
    await new Promise(setImmediate);
    assert.deepEqual([target.pings, board.state(tracked.id)], [1, 'sent']);
    target.busy = true;
    ping.noteTraffic();
    assert.equal(board.state(tracked.id), 'waiting');
    target.busy = false;
    ping.noteTraffic();
    await new Promise(setImmediate);
    assert.deepEqual([target.pings, board.state(tracked.id), outcomes], [2, 'sent', []]);
  });

  it('is ended by its answer although it was called off', async () => {
    let answer = () => {};
    const target = new ScriptedTarget(() => new Promise<void>((resolve) => (answer = resolve)));
    const { ping } = setUp(Object.assign(target, { busy: false }));
    await new Promise(setImmediate);
    Object.assign(target, { busy: true });
    ping.noteTraffic();
    answer();
    await new Promise(setImmediate);
    assert.deepEqual(outcomes, ['alive']);
  });

  for (const [what, change] of [
    ['is lost', { ready: false }],
    ['is replaced', { generation: 2 }],
  ] as const) {
    it(`is abandoned when the connection ${what}`, () => {
      const target = Object.assign(new ScriptedTarget(), { busy: true });
      const { ping, board, tracked } = setUp(target);
      ping.noteTraffic();
      assert.deepEqual(outcomes, []);
      Object.assign(target, change);
      ping.noteTraffic();
      assert.deepEqual([outcomes, target.pings, board.state(tracked.id)], [['abandoned'], 0, 'concluded']);
    });
  }
});
