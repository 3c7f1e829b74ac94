import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { ZeoServer } from 'zeo-keepalive/testing';
import { missingCommand } from '../support/missing-command.js';
import { until } from '../support/turning-clock.js';
import { WireClient } from '../zeo/server/wire-client.js';
import { listenRaw } from '../zeo/storage/scripted-peer.js';
import { RunningCommand } from './command.js';

const limit = 128;

/** @param limits `SOFT:HARD`; one that is left out stays as it is */
function limitOpenFiles(command: RunningCommand, limits: string): void {
  execFileSync('/usr/bin/prlimit', ['--pid', String(command.pid), `--nofile=${limits}`]);
}

describe('A guard without file descriptors', {
  timeout: 60_000,
  skip: missingCommand('/usr/bin/prlimit'),
}, () => {
  it('serves those that it has, refuses others, and accepts clients again', async (t) => {
    await using server = await ZeoServer.listen();
    const command = new RunningCommand(['guard', '--period', '1', `0=${server.address}`]);
    const address = (await command.line(/listens for clients of/)).split('  ')[1]?.trim() ?? '';
    const port = Number(address.split(':')[1]);
    limitOpenFiles(command, `${limit}:${limit}`);
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
    assert.doesNotMatch(stdout, /a client was refused|EMFILE|the worker thread ended/);
  });

  it('does not call a server down for which it has no descriptor itself', async (t) => {
    let handshakes = 0;
    await using server = await listenRaw((socket) =>
      socket.on('data', () => {
        handshakes += 1;
        socket.write('\x15\x03\x03\0\x02\x02\x28', 'latin1');
      }),
    );
    const options = ['--tls-passthrough', '--period', '0.2', '--timeout', '1'];
    const command = new RunningCommand(['guard', ...options, `0=${server.address}`]);
    const address = (await command.line(/listens for clients of/)).split('  ')[1]?.trim() ?? '';
    const client = connect({ port: Number(address.split(':')[1]) }).on('error', () => {});
    t.after(() => client.destroy());
    client.write('\x16\x03\x01\0\0', 'latin1');
    await once(client, 'data');
    // The thread that pings needs descriptors to start.
    await until(() => handshakes > 2, 30_000, 'a handshake of the guard itself');
    limitOpenFiles(command, '5:');
    const line = await command.line(/ping failed|is down/);
    assert.match(
      line,
      new RegExp(`${address} to ${server.address} +ping failed: Cannot connect to .*: EMFILE$`),
    );
    limitOpenFiles(command, `${limit}:`);
    await command.line(/clients are accepted again/);
    client.write('still there');
    await once(client, 'data');
    command.kill('SIGTERM');
    assert.doesNotMatch((await command.ended()).stdout, /is down|DEAD/);
  });
});
