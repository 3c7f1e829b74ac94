import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it, type TestContext } from 'node:test';
import { KeepAlive, type KeepAliveOptions, StorageRegistry } from 'zeo-keepalive';
import { ZeoServer } from 'zeo-keepalive/testing';
import { ClientStorage } from 'zeo-keepalive/zeo';
import { Outage } from '#src/agent/ping/outage.js';
import { LogLines } from '#src/agent/report/log-lines.js';
import { createLog } from '#src/observability/log.js';
import { Board } from '#src/threads/board.js';
import { captureLog, isOfBusyMachine, type LogLine } from '../captured-log.js';
import { ScriptedTarget, trackedBy } from '../scripted-target.js';

function setUp(t: TestContext, options: KeepAliveOptions, storage: object, name = 'main') {
  const databases = new StorageRegistry();
  databases.open(name, storage);
  const log = captureLog();
  const agent = new KeepAlive({ logger: log.logger, jitter: 0, ...options }, databases, {});
  t.after(() => agent.stop());
  /** The lines at INFO and above, without the agent's start and stop, and the stalls of a busy machine. */
  const logged = () =>
    log.lines
      .filter(
        ({ level, msg }) => level >= 30 && !msg.startsWith('Keep alive thread') && !isOfBusyMachine(msg),
      )
      .map(({ level, msg }) => `${level} ${msg}`);
  return { agent, log, logged };
}

async function openReal(t: TestContext) {
  const server = await ZeoServer.listen();
  t.after(() => server.close());
  const storage = await ClientStorage.open({ address: server.address, reconnectMaxDelay: 0.2 });
  t.after(() => storage.close());
  return { server, storage };
}

async function times(
  count: number,
  agent: KeepAlive,
  event: 'pingFailed' | 'pingSucceeded' | 'connectionDown',
) {
  for (let i = 0; i < count; i++) await once(agent, event);
}

describe('The log lines of a recurring failure', { timeout: 60_000 }, () => {
  // The agent does not keep the process alive.
  let hold: NodeJS.Timeout;
  before(() => {
    hold = setInterval(() => {}, 60_000);
  });
  after(() => clearInterval(hold));

  it('are one when a server is down for many periods, and one at its return', async (t) => {
    const { server, storage } = await openReal(t);
    const { agent, logged } = setUp(t, { period: 0.05 }, storage);
    agent.start();
    await times(1, agent, 'pingSucceeded');
    const disconnected = once(storage, 'disconnected');
    await server.close();
    await disconnected;
    // The reason changes once: first the lost connection, then the server that refuses one.
    while (agent.status().connections[0]?.lastFailure === undefined && storage.lastError === undefined)
      await times(1, agent, 'connectionDown');
    await times(10, agent, 'connectionDown');
    const before = logged();
    assert.ok(before.length >= 1 && before.length <= 3, before.join('\n'));
    for (const line of before)
      assert.match(line, /^40 Connection for main is down|^50 Keep alive for main failed/);

    const [, port] = server.address.split(':');
    await using again = await ZeoServer.listen({ port: Number(port) });
    await once(agent, 'connectionBack');
    await times(3, agent, 'pingSucceeded');
    assert.ok(again.connections.size > 0);
    const [back, ...more] = logged().slice(before.length);
    assert.match(back ?? '', /^30 Connection for main is back after [\d.]+ s \(\d+ lines were held back\)$/);
    assert.deepEqual(more, []);
  });

  it('are one for each reason of a failing ping, and one when it succeeds', async (t) => {
    let error: Error | undefined = new Error('lost');
    const storage = new ScriptedTarget(() => (error === undefined ? 'well' : Promise.reject(error)));
    const { agent, logged } = setUp(t, { period: 0.02 }, storage);
    agent.start();
    await times(5, agent, 'pingFailed');
    error = new Error('something else');
    await times(3, agent, 'pingFailed');
    error = undefined;
    await times(3, agent, 'pingSucceeded');
    const [first, second, well, ...more] = logged();
    assert.equal(first, '50 Keep alive for main failed');
    assert.match(second ?? '', /^50 Keep alive for main failed \(\d+ lines were held back\)$/);
    assert.match(
      well ?? '',
      /^30 Keep alive for main is successful again \(\d+ lines? (was|were) held back\)$/,
    );
    assert.deepEqual(more, []);
    const count = (line = '') => Number(/\((\d+)/.exec(line)?.[1]);
    const failures = agent.status().connections[0]?.failures ?? 0;
    assert.equal(2 + count(second) + count(well), failures, 'every failure is logged or counted');
  });

  it('are only the failure itself for a ping that failed once', async (t) => {
    let pings = 0;
    const storage = new ScriptedTarget(() => (++pings === 2 ? Promise.reject(new Error('lost')) : 'well'));
    const { agent, logged } = setUp(t, { period: 0.02 }, storage);
    agent.start();
    await times(5, agent, 'pingSucceeded');
    assert.deepEqual(logged(), ['50 Keep alive for main failed']);
  });

  it('are held back for a connection that dies and returns repeatedly', async (t) => {
    const { server, storage } = await openReal(t);
    const { agent, logged } = setUp(t, { period: 0.1, timeout: 0.2 }, storage);
    const silence = () => {
      for (const connection of server.connections) connection.silence();
    };
    storage.on('connected', silence);
    silence();
    agent.start();
    for (let deaths = 0; deaths < 5; deaths++) await once(agent, 'connectionDied');
    await once(agent, 'connectionBack');
    storage.off('connected', silence);
    const count = (message: string) => logged().filter((line) => line.startsWith(message)).length;
    assert.equal(count('50 Keep alive for main failed'), 1);
    // A ping may have been due between the death and the reconnect.
    assert.ok(count('40 Connection for main is down') <= 1);
    assert.ok(count('30 Connection for main is back') <= 2);
    assert.ok(logged().length <= 4, logged().join('\n'));
  });

  it('include a connection that was replaced between two pings', async (t) => {
    const { server, storage } = await openReal(t);
    const { agent, logged } = setUp(t, { period: 2, timeout: 1 }, storage);
    agent.start();
    await times(1, agent, 'pingSucceeded');
    assert.deepEqual(logged(), []);
    const replaced = once(agent, 'connectionReplaced');
    const connected = once(storage, 'connected');
    for (const connection of server.connections) connection.destroy();
    await connected;
    const [event] = await replaced;
    assert.deepEqual(event, { name: 'main', address: server.address, generation: 2, previousGeneration: 1 });
    await times(1, agent, 'pingSucceeded');
    assert.deepEqual(logged(), ['30 Connection for main was replaced since its last keep alive']);
  });

  it('are held back for a target or a listener that keeps throwing', async (t) => {
    const storage = new ScriptedTarget();
    storage.lock = {
      acquire: async () => () => {
        throw new Error('release');
      },
    };
    const { agent, logged } = setUp(t, { period: 0.02 }, storage);
    agent.on('pingStarted', () => {
      throw new Error('listener');
    });
    agent.start();
    await times(8, agent, 'pingSucceeded');
    const count = (message: string) => logged().filter((line) => line.startsWith(message)).length;
    assert.equal(count('50 Exception in connection main'), 1);
    assert.equal(count('50 A keep alive listener threw an exception'), 1);
  });

  it('contain no credentials, even if a database is named by its URI', async (t) => {
    const name = 'zeo://joe:s3cret@127.0.0.1:8100';
    const storage = new ScriptedTarget(() => Promise.reject(new Error(`Cannot reach ${name}`)));
    const { agent, log } = setUp(t, { period: 0.02 }, storage, name);
    agent.start();
    await times(2, agent, 'pingFailed');
    assert.doesNotMatch(JSON.stringify(log.lines), /s3cret/);
    assert.equal(agent.status().connections[0]?.name, name);
  });

  it('are not passed to a logger whose level they are below', async (t) => {
    const calls: string[] = [];
    const method = (level: string) => (_fields: object, message: string) => calls.push(`${level} ${message}`);
    const logger = {
      debug: method('debug'),
      info: method('info'),
      warn: method('warn'),
      error: method('error'),
      isLevelEnabled: (level: string) => level !== 'debug',
    };
    const databases = new StorageRegistry();
    databases.open('main', new ScriptedTarget());
    const agent = new KeepAlive({ logger, period: 0.02 }, databases, {});
    t.after(() => agent.stop());
    agent.start();
    await times(3, agent, 'pingSucceeded');
    assert.deepEqual(calls, ['info Keep alive thread started with period 0.02 s']);
  });
});

describe('The log lines of a lasting failure', () => {
  function linesAt() {
    const log = captureLog();
    let nowMs = 0;
    const lines = new LogLines(createLog({ logger: log.logger }), () => nowMs);
    const tracked = trackedBy(new Board(), 'main', new ScriptedTarget());
    return {
      log,
      lines,
      tracked,
      logged: () => log.lines.map(({ level, msg }) => `${level} ${msg}`),
      at: (seconds: number, step: () => void) => {
        nowMs = seconds * 1000;
        step();
      },
    };
  }

  it('become errors after a minute, with how long a connection is down', () => {
    const { lines, tracked, logged, at } = linesAt();
    const outage = new Outage(0, 'refused', undefined);
    const event = { name: 'main', address: undefined, generation: 1, cause: 'refused' } as const;
    const down = (downForMs: number) =>
      lines.logDown(tracked, { ...event, downForMs, error: new Error('refused') }, outage);
    for (let seconds = 0; seconds <= 130; seconds += 10) at(seconds, () => down(seconds * 1000));
    const gone = 'its host refuses connections, so the server process is gone';
    assert.deepEqual(logged(), [
      '40 Connection for main is down',
      `50 Connection for main has been down for 60 s; ${gone} (5 lines were held back)`,
      `50 Connection for main has been down for 120 s; ${gone} (5 lines were held back)`,
    ]);
  });

  it('are an error at once if a connection was down long before its ping', () => {
    const { lines, tracked, logged } = linesAt();
    const event = { name: 'main', address: undefined, generation: 1, cause: 'unknown' } as const;
    const outage = new Outage(0, 'unknown', undefined);
    lines.logDown(tracked, { ...event, downForMs: 119_000, error: undefined }, outage);
    assert.deepEqual(logged(), ['50 Connection for main has been down for 119 s']);
  });

  it('end with one that says so, once a server that was said to hang answers', () => {
    const { log, lines, tracked, logged, at } = linesAt();
    const answer = { roundTripMs: 20_100.123456789, evidence: 'answer' } as const;
    for (const seconds of [0, 30, 60, 90]) {
      at(seconds, () => lines.pingHangs(tracked));
      at(seconds + 20, () => lines.logSuccess(tracked, answer));
      at(seconds + 25, () => lines.logSuccess(tracked, { ...answer, roundTripMs: 1 }));
    }
    const hangs = '40 Keep alive for main was not answered in time: the server hangs or is busy';
    const well = '30 Keep alive for main is successful again';
    assert.deepEqual(
      logged().filter((line) => !line.startsWith('25')),
      [hangs, well, `${hangs} (1 line was held back)`, well],
    );
    assert.equal(log.lines.find(({ msg }) => msg.endsWith('again'))?.roundTripMs, 20_100.123);
  });

  it('do not end with an answer on another connection than the one that was said to hang', () => {
    const { lines, tracked, logged, at } = linesAt();
    at(0, () => lines.pingHangs(tracked));
    at(1, () => lines.logReplaced(tracked));
    at(2, () => lines.logSuccess(tracked, { roundTripMs: 1, evidence: 'answer' }));
    assert.deepEqual(
      logged().filter((line) => !line.startsWith('25')),
      [
        '40 Keep alive for main was not answered in time: the server hangs or is busy',
        '30 Connection for main was replaced since its last keep alive',
      ],
    );
  });

  it('stay warnings if a connection is often down but never for long', () => {
    const { lines, tracked, logged, at } = linesAt();
    const event = {
      name: 'main',
      address: undefined,
      generation: 1,
      cause: 'unknown',
      error: undefined,
    } as const;
    for (const seconds of [0, 30, 60]) {
      at(seconds, () =>
        lines.logDown(tracked, { ...event, downForMs: 1000 }, new Outage(0, 'unknown', undefined)),
      );
      at(seconds + 10, () => lines.logSuccess(tracked, { roundTripMs: 1, evidence: 'answer' }));
    }
    assert.deepEqual(
      logged().filter((line) => !line.startsWith('25')),
      ['40 Connection for main is down', '40 Connection for main is down (1 line was held back)'],
    );
  });

  it('report a lasting outage within a minute, even after many short ones', () => {
    const { lines, tracked, logged, at } = linesAt();
    const event = {
      name: 'main',
      address: undefined,
      generation: 1,
      cause: 'unknown',
      error: undefined,
    } as const;
    for (let seconds = 0; seconds < 4000; seconds += 20) {
      const outage = new Outage(0, 'unknown', undefined);
      at(seconds, () => lines.logDown(tracked, { ...event, downForMs: 0 }, outage));
      at(seconds + 10, () => lines.logSuccess(tracked, { roundTripMs: 1, evidence: 'answer' }));
    }
    const before = logged().length;
    const final = new Outage(0, 'unknown', undefined);
    for (let seconds = 0; seconds <= 300; seconds += 10)
      at(4000 + seconds, () => lines.logDown(tracked, { ...event, downForMs: seconds * 1000 }, final));
    const [line, ...more] = logged().slice(before);
    assert.match(line ?? '', /^50 Connection for main has been down for 60 s/);
    assert.deepEqual(more, []);
    assert.equal(final.isLogged, true);
  });

  it('are written again for a listener that had not thrown for an hour', () => {
    const { lines, logged, at } = linesAt();
    const fail = () => lines.logListenerFailed(new Error('listener'), 'stalled');
    for (const seconds of [0, 30, 60, 90, 3690, 3700]) at(seconds, fail);
    const line = '50 A keep alive listener threw an exception';
    const counted = `${line} (1 line was held back)`;
    assert.deepEqual(logged(), [line, counted, counted]);
    at(3751, fail);
    assert.equal(logged().length, 4, 'one minute after the throttle started again');
  });

  it('stay few for a failure that occurs every few minutes', () => {
    const { lines, logged, at } = linesAt();
    const hours = 10;
    for (let seconds = 0; seconds <= hours * 3600; seconds += 180)
      at(seconds, () => lines.thread.panicked(new Error('out of memory')));
    assert.ok(logged().length <= 6 + hours, logged().join('\n'));
  });

  it('report eight stalls an hour one by one, and the others as a sum', () => {
    const { log, lines, at } = linesAt();
    const warnings = () => log.lines.filter(({ level }) => level === 40);
    for (let stall = 0; stall < 8; stall++)
      at(stall, () => lines.thread.stalled({ of: 'loop', durationMs: 1000 + stall }));
    const line = 'The main loop was blocked for 1.0 s or more; no verdict counts that time';
    assert.deepEqual(
      warnings().map(({ msg }) => msg),
      Array(8).fill(line),
    );
    for (const [second, durationMs] of [
      [20, 700],
      [30, 5000],
      [40, 600],
    ] as const)
      at(second, () => lines.thread.stalled({ of: 'process', durationMs }));
    assert.equal(warnings().length, 8);
    at(61, () => lines.thread.stalled({ of: 'process', durationMs: 2000 }));
    at(3700, () => lines.thread.stalled({ of: 'process', durationMs: 2000 }));
    const [counted, later, ...more] = warnings().slice(8);
    const { of, durationMs, heldBack, heldBackTotalMs, heldBackLongestMs, msg } = counted as LogLine;
    assert.deepEqual(
      { of, durationMs, heldBack, heldBackTotalMs, heldBackLongestMs },
      { of: 'process', durationMs: 2000, heldBack: 3, heldBackTotalMs: 6300, heldBackLongestMs: 5000 },
    );
    assert.equal(
      msg,
      'This process did not run for 2.0 s or more; no verdict counts that time (3 lines were held back)',
    );
    assert.equal(later?.heldBackTotalMs, undefined);
    assert.deepEqual(more, []);
  });

  it('start again from the beginning after a quiet hour', () => {
    const { lines, tracked, logged, at } = linesAt();
    const fail = () => lines.logFailure(tracked, new Error('lost'));
    at(0, fail);
    for (const seconds of [30, 60, 90, 120])
      at(seconds, () => lines.logSuccess(tracked, { roundTripMs: 1, evidence: 'answer' }));
    at(125, fail);
    at(130, fail);
    assert.deepEqual(
      logged().filter((line) => line.startsWith('50')),
      ['50 Keep alive for main failed', '50 Keep alive for main failed'],
    );
  });

  it('report each worker failure until the retry delay reaches its maximum', () => {
    const { lines, logged, at } = linesAt();
    const error = new Error('The keep alive thread could not be started', { cause: new Error('EMFILE') });
    const delaysMs = [100, 200, 400, 800, 1600, 1600, 1600];
    for (const [second, delayMs] of delaysMs.entries()) at(second, () => lines.thread.lost(error, delayMs));
    at(10, () => lines.thread.panicked(new Error('something else')));
    at(61, () => lines.thread.lost(error, 1600));
    assert.deepEqual(logged(), [
      ...Array.from({ length: 5 }, () => '70 Exception in keep alive thread'),
      '40 Keep alive thread keeps ending, starting it again in 1.6 s',
      '70 Exception in keep alive thread (2 lines were held back)',
      '70 Exception in keep alive thread',
    ]);
  });

  it('report once that the worker is running again, if its loss was logged', () => {
    const { lines, logged, at } = linesAt();
    const error = new Error('The keep alive thread ended', { cause: new Error('out of memory') });
    at(0, () => lines.thread.up());
    at(1, () => lines.thread.lost(error, 100));
    at(2, () => lines.thread.up());
    at(3, () => lines.thread.up());
    at(4, () => lines.thread.lost(error, 100));
    at(5, () => lines.thread.up());
    assert.deepEqual(logged(), [
      '70 Exception in keep alive thread',
      '30 Keep alive thread is running again',
    ]);
  });

  it('are not built for each ping below the logger’s level', () => {
    const written: string[] = [];
    const write = (_fields: object, message: string) => written.push(message);
    const levels = { blather: write, info: write, warn: write, error: write, panic: write };
    const { tracked } = linesAt();
    for (const isEnabled of [false, true]) {
      const lines = new LogLines({ ...levels, isEnabled: () => isEnabled });
      lines.logSending(tracked);
      lines.logSuccess(tracked, { roundTripMs: 1, evidence: 'answer' });
      lines.pingNotNeeded(tracked);
      assert.equal(written.length, isEnabled ? 3 : 0);
    }
  });
});
