import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { ZeoServer } from 'zeo-keepalive/testing';
import { missingCommand } from '../support/missing-command.js';
import { WireClient } from '../zeo/server/wire-client.js';
import { RunningCommand } from './command.js';

const limit = 128;

describe('A guard without file descriptors', {
  timeout: 60_000,
  skip: missingCommand('/usr/bin/prlimit'),
}, () => {
  it('serves those that it has, refuses others, and accepts clients again', async (t) => {
    await using server = await ZeoServer.listen();
    const command = new RunningCommand(['guard', '--period', '1', `0=${server.address}`]);
    const address = (await command.line(/listens for clients of/)).split('  ')[1]?.trim() ?? '';
    const port = Number(address.split(':')[1]);
    execFileSync('/usr/bin/prlimit', ['--pid', String(command.pid), `--nofile=${limit}:${limit}`]);
    const first = await WireClient.register({ port, address });
    const crowd = Array.from({ length: 80 }, () => connect({ port }).on('error', () => {}));
    const disperse = () => {
      for (const client of crowd) client.destroy();
    };
    t.after(disperse);
    await command.line(/its limit of 128 open files, .*: clients are refused until others have left/);
    const [{ code }] = await once(connect({ port }), 'error');
    assert.equal(code, 'ECONNREFUSED');
    await first.call('ping');
    disperse();
    await command.line(/clients are accepted again/);
    const next = await WireClient.register({ port, address });
    await Promise.all([first.call('ping'), next.call('ping')]);
    command.kill('SIGTERM');
    await Promise.all([first.closed, next.closed]);
    const { stdout } = await command.ended();
    assert.equal(stdout.match(/open files/g)?.length, 1);
    assert.doesNotMatch(stdout, /a client was refused|EMFILE|Keep alive thread/);
  });
});
