import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runHost } from '../hosts/run-host.js';
import { SecondCopy } from '../hosts/second-copy.js';
import { PeerServer } from '../sockets/watching.js';

const hook = new URL('../../src/register.js', import.meta.url);
const nodeOptions = ['--import', hook.href];

const settings: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'without a setting': {},
  'with a period': { ZEO_KEEPALIVE_PERIOD: '10' },
  'with a period and sockets': { ZEO_KEEPALIVE_PERIOD: '10', ZEO_KEEPALIVE_SOCKETS: 'all' },
};

const messagesOf = (stderr: string) =>
  stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).msg as string);

describe('Before the first line of an application, --import', { timeout: 120_000 }, () => {
  for (const [name, env] of Object.entries(settings)) {
    it(`loads four modules of this package ${name}`, async () => {
      const lister = new URL('../hosts/early/lists-loads.js', import.meta.url);
      const { stdout } = await runHost('early/lists-its-start', {
        env,
        nodeOptions: ['--import', lister.href, ...nodeOptions],
      });
      const [before = ''] = stdout.split('first line', 1);
      assert.deepEqual(
        before.match(/(?<=\/dist\/src\/).*/g)?.sort(),
        ['agent/process-wide.js', 'agent/started.js', 'register.js', 'sockets/discovery.js'],
        stdout,
      );
    });
  }

  it('loads neither worker_threads nor net for a period', async () => {
    const { stdout } = await runHost('early/lists-its-start', {
      env: { ZEO_KEEPALIVE_PERIOD: '10' },
      nodeOptions,
    });
    assert.equal(stdout, 'first line \n');
  });
});

describe('An application that exits in its first line', { timeout: 120_000 }, () => {
  const exit = async (env: Readonly<Record<string, string>>) => {
    const { code, stderr } = await runHost('early/exits-at-once', { env, nodeOptions });
    assert.equal(code, 3, stderr);
    return stderr;
  };

  it('has the start of the agent in its log', async () => {
    assert.deepEqual(messagesOf(await exit({ ZEO_KEEPALIVE_PERIOD: '10' })), [
      'Keep alive thread started with period 10 s',
    ]);
  });

  it('has in its log that no period is set', async () => {
    assert.deepEqual(messagesOf(await exit({})), [
      'Keep alive thread not started: no period is set, or it is zero or negative',
    ]);
  });

  it('has an invalid setting in its log', async () => {
    assert.match(await exit({ ZEO_KEEPALIVE_PERIOD: 'soon' }), /"level":70.*received \\"soon\\"/);
  });

  it('has a warning about its settings in its log', async () => {
    assert.match(await exit({ ZEO_KEEPALIVE_PERIODE: '10' }), /"level":40.*ZEO_KEEPALIVE_PERIODE/);
  });
});

describe('An application with --import', { timeout: 120_000 }, () => {
  it('has one line about no period, and none from a worker thread', async () => {
    const { code, stderr } = await runHost('early/has-a-thread', { nodeOptions });
    assert.equal(code, 0, stderr);
    assert.deepEqual(messagesOf(stderr), [
      'Keep alive thread not started: no period is set, or it is zero or negative',
    ]);
  });

  const env = { ZEO_KEEPALIVE_PERIOD: '10' };
  for (const [call, code] of Object.entries({
    startThread: 'ERR_KEEPALIVE_ALREADY_STARTED',
    stopThread: 'none',
    watchSockets: 'none',
  })) {
    it(`finds the agent started if its first line calls ${call}`, async () => {
      const { stdout, stderr } = await runHost('early/calls-at-once', { args: [call], env, nodeOptions });
      assert.equal(stdout, `${code} none\n`);
      assert.deepEqual(messagesOf(stderr), [
        'Keep alive thread started with period 10 s',
        'Keep alive thread stopped',
        'Keep alive thread started with period 20 s',
      ]);
    });
  }

  it('finds the agent started, with its sockets, if it calls another copy', async () => {
    await using copy = await SecondCopy.install('early/calls-at-once');
    const { stdout, stderr } = await runHost('early/calls-at-once', {
      args: ['watchSockets'],
      env: { ...env, ZEO_KEEPALIVE_SOCKETS: 'all' },
      nodeOptions,
      folder: copy.folder,
    });
    assert.equal(stdout, 'ERR_KEEPALIVE_ALREADY_STARTED none\n', stderr);
  });

  for (const [how, flags] of Object.entries({
    '': [],
    ' where modules cannot be required': ['--no-experimental-require-module'],
  })) {
    it(`has a connection watched that its first line makes${how}`, {
      skip: process.platform !== 'linux' && 'the kernel does not show which connections are dead',
    }, async () => {
      await using peer = await PeerServer.listen();
      const { code, stderr } = await runHost('early/connects-first', {
        args: [`${peer.port}`],
        env: { ZEO_KEEPALIVE_PERIOD: '10', ZEO_KEEPALIVE_SOCKETS: '127.0.0.1' },
        nodeOptions: [...flags, ...nodeOptions],
        onLine: (line) => {
          if (!line.includes('No listener for the errors')) return;
          for (const socket of peer.sockets) socket.destroy();
        },
      });
      assert.equal(code, 0, stderr);
      assert.match(stderr, new RegExp(`No listener for the errors of tcp 127.0.0.1:${peer.port}`));
    });
  }
});
