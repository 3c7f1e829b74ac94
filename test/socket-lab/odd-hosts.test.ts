import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientName } from './clients/all.js';
import { type App, missingForSockets, SocketLab, timeout } from './socket-lab.js';

/** Far beyond the bound, on a machine that is busy. */
const foundWithinMs = 20_000;
/** In which a verdict would be there, were there one. */
const longEnoughMs = 4000 * timeout;

let nextId = 0;

async function connect(app: App, host: string, name: ClientName = 'plain socket', localPort?: number) {
  const id = nextId++;
  const port = localPort === undefined ? {} : { localPort };
  app.send({ type: 'connect', id, name, host, setup: 'default', ...port });
  await app.until('a connection', () => app.all('connected').some((event) => event.id === id));
  return id;
}

const deathsAt = (app: App, host: string) =>
  app.all('died').filter(({ address }) => address.startsWith(`${host}:`)).length;

const found = (app: App, host: string) => app.meets(() => deathsAt(app, host) > 0, foundWithinMs);

async function watched(app: App): Promise<void> {
  const isWatched = () => app.all('status').some(({ connections }) => connections > 0);
  for (; !isWatched(); await sleep(50)) app.send({ type: 'look' });
}

const linesOf = (app: App) =>
  app.stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => (JSON.parse(line) as { msg: string }).msg);

/** Becomes the command of its arguments in a view of the file system of its own, after a step that changes it. */
const inMountNamespace = (step: string) => [
  ...['unshare', '--mount', '--propagation', 'private', 'sh', '-c'],
  ...[`${step} && exec "$@"`, 'sh'],
];

describe('Sockets of an odd host', { skip: missingForSockets(['postgresql']), timeout: 150_000 }, () => {
  let lab: SocketLab;
  before(async () => {
    lab = await SocketLab.start(['postgresql']);
  });
  after(() => lab?.[Symbol.asyncDispose]());

  const host = (index: number) => lab.hosts(index + 1)[index] as string;

  for (const [what, step, message] of [
    [
      'without /proc',
      'mount -t tmpfs none /proc',
      /^Sockets are not watched: cannot read \/proc\/self\/net\/tcp \(ENOENT\)/,
    ],
    [
      'whose table of connections is empty',
      'mount -t tmpfs none /proc/$$/net && touch /proc/$$/net/tcp /proc/$$/net/tcp6',
      /^Sockets are not watched: cannot read \/proc\/self\/net\/tcp \(malformed\)/,
    ],
    [
      'that may not read its table of connections',
      // Root may read every file, but for this capability.
      'mount -t tmpfs none /proc/$$/net && touch /proc/$$/net/tcp && chmod 0 /proc/$$/net/tcp &&' +
        ' set -- setpriv --bounding-set=-dac_override,-dac_read_search "$@"',
      /^Sockets are not watched: cannot read \/proc\/self\/net\/tcp \(EACCES\)/,
    ],
    [
      'whose table shows the connections of another network',
      'heading=$(head -n 1 /proc/$$/net/tcp) && mount -t tmpfs none /proc/$$/net &&' +
        ' echo "$heading" > /proc/$$/net/tcp && cp /proc/$$/net/tcp /proc/$$/net/tcp6',
      /^Sockets are not watched: \/proc\/self\/net\/tcp shows none of them/,
    ],
  ] as const) {
    it(`work unwatched, with one warning, in a process ${what}`, async () => {
      await using app = await lab.startApp({ launcher: inMountNamespace(step) });
      const id = await connect(app, host(0));
      await app.until('a warning', () => linesOf(app).some((line) => message.test(line)));
      lab.cut(host(0));
      await sleep(longEnoughMs);
      assert.deepEqual(app.all('died'), []);
      lab.heal();
      app.send({ type: 'call', id });
      await app.until('an answer', () => app.all('settled').length > 0);
      assert.equal(app.all('settled')[0]?.error, undefined);
      assert.equal(linesOf(app).filter((line) => /not watched/.test(line)).length, 1);
    });
  }

  it('are watched where /proc hides other processes', async () => {
    const launcher = inMountNamespace('mount -t proc -o hidepid=2 proc /proc');
    await using app = await lab.startApp({ launcher });
    await connect(app, host(1));
    lab.cut(host(1));
    assert.ok(await found(app, host(1)));
    lab.heal();
  });

  it('are told from those of another network namespace with the same ends', async () => {
    await using other = await SocketLab.start();
    await using app = await lab.startApp();
    await using stranger = await other.startApp();
    const localPort = 20_001;
    await connect(app, host(2), 'plain socket', localPort);
    await connect(stranger, host(2), 'plain socket', localPort);
    lab.cut(host(2));
    assert.ok(await found(app, host(2)));
    await sleep(longEnoughMs);
    assert.deepEqual(stranger.all('died'), []);
    other.cut(host(2));
    assert.ok(await found(stranger, host(2)));
    lab.heal();
  });

  it('are told from a dead one whose local port they have taken over', async () => {
    await using app = await lab.startApp();
    const localPort = 20_002;
    const id = await connect(app, host(3), 'plain socket', localPort);
    lab.cut(host(3));
    // Bytes in flight, so that the kernel goes on with them after the socket is closed.
    app.send({ type: 'call', id });
    await sleep(700 * timeout);
    app.send({ type: 'close', id });
    await connect(app, host(4), 'plain socket', localPort);
    await sleep(longEnoughMs);
    assert.equal(deathsAt(app, host(4)), 0);
    lab.cut(host(4));
    assert.ok(await found(app, host(4)));
    lab.heal();
  });

  it('are watched again by the thread that replaces a lost one', async () => {
    await using app = await lab.startApp();
    await connect(app, host(5));
    await app.until('the thread', () => app.all('threadStarted').length > 0);
    // A thread that comes up before the socket is watched hears of it as of any other.
    await watched(app);
    app.send({ type: 'endThread' });
    await app.until('the next thread', () => app.all('threadStarted').length > 1);
    lab.cut(host(5));
    assert.ok(await found(app, host(5)));
    lab.heal();
  });

  for (const [listener, message] of [
    ['none', /Unhandled 'error' event[\s\S]*ERR_KEEPALIVE_TIMEOUT/],
    ['throws', /The listener gives up[\s\S]*ERR_KEEPALIVE_TIMEOUT/],
  ] as const) {
    it(`end their process as any lost one does, where the listener of a pg.Client is: ${listener}`, async () => {
      const config = { host: host(6), listener };
      await using app = await lab.startApp({ script: './bare-client.js', config });
      lab.cut(host(6));
      await app.meets(() => app.exitCode !== null, foundWithinMs);
      await app.ended();
      lab.heal();
      assert.notEqual(app.exitCode, 0);
      assert.match(app.stderr, message);
    });
  }
});
