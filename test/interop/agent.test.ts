import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { KeepAlive, StorageRegistry } from 'zeo-keepalive';
import { ClientStorage } from 'zeo-keepalive/zeo';
import { runHost } from '../hosts/run-host.js';
import { openPythonClient } from '../support/python/client.js';
import { findZeo, zeoVersions } from '../support/python/environments.js';
import { startZeoServer } from '../support/python/zeo-server.js';

/** The agent over ZEO's own server. */
for (const version of zeoVersions) {
  const { missing } = findZeo(version);
  for (const [storage, msgpack] of [
    ['file', false],
    ['file', true],
    ['mapping', false],
    ['mapping', true],
  ] as const) {
    const what = `ZEO ${version} with a ${storage} storage and ${msgpack ? 'M5' : 'Z5'}`;
    describe(`The agent on ${what}`, { skip: missing, timeout: 60_000 }, () => {
      it('pings it, detects that it hangs, and resumes once it answers', async () => {
        await using server = await startZeoServer({ version, storage, msgpack });
        const databases = new StorageRegistry();
        await using client = await ClientStorage.open({
          address: server.address,
          reconnectMinDelay: 0.1,
          reconnectMaxDelay: 0.2,
        });
        databases.open('main', client);
        await using agent = new KeepAlive({ period: 0.2, timeout: 0.5, level: 'silent' }, databases, {});
        agent.start();
        await once(agent, 'pingSucceeded');
        server.signal('SIGSTOP');
        const [{ error }] = await once(agent, 'connectionDied');
        assert.equal(error.code, 'ERR_KEEPALIVE_TIMEOUT');
        assert.equal(client.ready, false);
        server.signal('SIGCONT');
        await once(agent, 'pingSucceeded');
        assert.equal(client.generation, 2);
        await client.close();
      });
    });
  }

  it(`A host on ZEO ${version} survives a server restart and exits by itself`, {
    skip: missing,
    timeout: 120_000,
  }, async () => {
    await using server = await startZeoServer({ version });
    let restarted: Promise<void> | undefined;
    let connectedAgain = false;
    let successes = 0;
    const commit = async () => {
      const python = await openPythonClient(version, { address: [server.host, server.port] });
      await python.call('open_db');
      await python.call('set', { key: 'greeting', value: 'after the restart' });
      await python.close();
    };
    let committed: Promise<void> | undefined;
    const { code, stderr, stdout } = await runHost('survives-a-restart', {
      args: [server.address],
      env: { ZEO_KEEPALIVE_PERIOD: '0.2', ZEO_KEEPALIVE_LOG_LEVEL: 'BLATHER' },
      nodeOptions: ['--import', 'zeo-keepalive/register'],
      onLine(line) {
        if (line.includes('"Keep alive for main successful"')) successes += 1;
        if (line === 'connected again') {
          connectedAgain = true;
          successes = 0;
        }
        if (successes >= 2) restarted ??= server.restart();
        if (connectedAgain && successes >= 2) committed ??= restarted?.then(commit);
      },
    });
    await committed;
    assert.equal(code, 0, stderr);
    assert.equal(stdout, 'connected\nconnected again\n');
    const lines = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { level: number; msg: string });
    const seen = (level: number, msg: string) =>
      lines.some((line) => line.level === level && line.msg === msg);
    assert.ok(seen(30, 'Keep alive thread started with period 0.2 s'));
    assert.ok(seen(25, 'Sending keep alive for main'));
    assert.ok(seen(25, 'Keep alive for main successful'));
  });
}
