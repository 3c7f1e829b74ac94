import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ZeoServer } from 'zeo-keepalive/testing';
import { commitAfterPings } from '../hosts/commit-after-pings.js';
import { runHost } from '../hosts/run-host.js';

const register = ['--import', 'zeo-keepalive/register'];

describe('A host process', { timeout: 120_000 }, () => {
  it('exits when its work is done, although the agent is running', async () => {
    await using server = await ZeoServer.listen();
    const env = { ZEO_KEEPALIVE_PERIOD: '0.1', ZEO_KEEPALIVE_LOG_LEVEL: 'blather' };
    const { code, stdout, stderr } = await runHost('ends-by-itself', { args: [server.address], env });
    assert.equal(code, 0, stderr);
    assert.equal(stdout, '', 'standard output belongs to the host');
    const messages = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).msg);
    assert.deepEqual(messages.slice(0, 3), [
      'Keep alive thread started with period 0.1 s',
      'Sending keep alive for main',
      'Keep alive for main successful',
    ]);
  });

  it('can await stopThread() as its last statement', async () => {
    const { code, stdout, stderr } = await runHost('waits-for-stop');
    assert.equal(code, 0, stderr);
    assert.equal(stdout, 'stopped\n');
  });

  it('goes on if it may not create threads, and the agent retries', async () => {
    const flag = ['--permission', '--experimental-permission'].find((name) =>
      process.allowedNodeEnvironmentFlags.has(name),
    );
    const nodeOptions = [flag as string, '--allow-fs-read=*'];
    const { code, stdout, stderr } = await runHost('may-have-no-thread', { nodeOptions });
    assert.equal(code, 0, stderr);
    assert.equal(stdout, 'ERR_KEEPALIVE_WORKER_LOST ERR_ACCESS_DENIED\n'.repeat(2));
    assert.match(stderr, /Exception in keep alive thread/);
  });

  it('gets its thread once the obstacle to starting one is gone', async () => {
    const { code, stdout, stderr } = await runHost('lost-its-directory');
    assert.equal(code, 0, stderr);
    assert.equal(stdout, 'ENOENT\nENOENT\nrunning: true\n');
    assert.match(stderr, /Keep alive thread is running again/);
  });

  it('gets its thread once it has file descriptors again', {
    skip: process.platform === 'win32' && 'Windows has no such limit',
  }, async () => {
    const { code, stdout, stderr } = await runHost('has-no-descriptor', { maxOpenFiles: 128 });
    assert.equal(code, 0, stderr);
    assert.equal(stdout, 'EMFILE, running: true\n');
  });

  // As Node 22 and newer do for a port with an event listener: the first sweep then blocks for 70 ms and more.
  it('does not load undici for the messages of the agent’s thread', async () => {
    const { code, stdout, stderr } = await runHost('lists-its-modules');
    assert.equal(code, 0, stderr);
    assert.equal(stdout, 'none\n');
  });

  it('has not loaded the agent’s packages when its own code begins', async () => {
    const { code, stdout, stderr } = await runHost('lists-its-packages', {
      env: { ZEO_KEEPALIVE_PERIOD: '10', ZEO_KEEPALIVE_SOCKETS: 'all' },
    });
    assert.equal(code, 0, stderr);
    assert.equal(stdout, 'none\n');
    assert.match(stderr, /Keep alive thread started/);
  });

  it('gets an error from a second start, in the words of the original', async () => {
    const { stdout } = await runHost('starts-twice');
    assert.equal(stdout, 'ERR_KEEPALIVE_ALREADY_STARTED KeepAlive thread already started\n');
  });

  it('gets the agent by --import without code, in its main thread only', async () => {
    await using server = await ZeoServer.listen();
    commitAfterPings(server);
    const { code, stdout, stderr } = await runHost('only-opens-databases', {
      args: [server.address],
      env: { ZEO_KEEPALIVE_PERIOD: '0.1' },
      nodeOptions: register,
    });
    assert.equal(code, 0, stderr);
    assert.equal(stdout, 'worker of the application\n');
    assert.equal(stderr.match(/Keep alive thread started/g)?.length, 1);
  });

  it('logs at BLATHER that --import starts nothing in a worker thread', async () => {
    await using server = await ZeoServer.listen();
    commitAfterPings(server);
    const { stderr } = await runHost('only-opens-databases', {
      args: [server.address],
      // As in a deployment that cannot change the command line: NODE_OPTIONS applies to every thread.
      env: {
        ZEO_KEEPALIVE_PERIOD: '0.1',
        ZEO_KEEPALIVE_LOG_LEVEL: 'blather',
        NODE_OPTIONS: register.join(' '),
      },
    });
    const lines = stderr.match(/Keep alive thread not started in worker thread \d+; startThread\(\) there/g);
    assert.equal(lines?.length, 1, stderr);
  });

  it('runs without an agent if its period is not a number, logged at PANIC', async () => {
    const env = { ZEO_KEEPALIVE_PERIOD: 'soon' };
    const { stderr } = await runHost('only-opens-databases', {
      args: ['nonsense'],
      env,
      nodeOptions: register,
    });
    const [line] = stderr.split('\n');
    assert.equal(JSON.parse(line as string).level, 70);
    assert.match(stderr, /ZEO_KEEPALIVE_PERIOD: expected a number of seconds .*; received \\"soon\\"/);
    // The host went on to its own work: here it fails on an invalid address.
    assert.match(stderr, /ERR_ZEO_INVALID_ADDRESS/);
    assert.match(stderr, /ERR_KEEPALIVE_INVALID_SETTING/);
  });

  it('runs without an agent when --import finds no period', async () => {
    const { code, stderr } = await runHost('waits-for-stop', { nodeOptions: register });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /Keep alive thread not started/);
  });
});
