import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { ZeoServer } from 'zeo-keepalive/testing';
import { missingCommand } from '../support/missing-command.js';
import { WireClient } from '../zeo/server/wire-client.js';
import { listenRaw } from '../zeo/storage/scripted-peer.js';
import { RunningCommand } from './command.js';

const limit = 128;

/** @param limits `SOFT:HARD`; one that is left out stays as it is */
function limitOpenFiles(command: RunningCommand, limits: string): void {
  execFileSync('/usr/bin/prlimit', ['--pid', String(command.pid), `--nofile=${limits}`]);
}

/** The command in front of a server. */
async function start(server: string, options: readonly string[]) {
  const command = new RunningCommand(['guard', ...options, '--metrics', '0', `0=${server}`]);
  const address = (await command.line(/listens for clients of/)).split('  ')[1]?.trim() ?? '';
  const [, url = ''] = /(http:\S+);/.exec(await command.line(/shows its status at/)) ?? [];
  const get = async (page: string) => (await fetch(`${url}${page}`)).text();
  /** Until the thread that pings has started, which needs descriptors. */
  const pinging = async () => {
    while (!/pings_total.*result="alive"} [1-9]/.test(await get('metrics')));
  };
  return { command, address, port: Number(address.split(':')[1]), get, pinging };
}

describe('A guard without file descriptors', {
  timeout: 60_000,
  skip: missingCommand('/usr/bin/prlimit'),
}, () => {
  it('serves those that it has, refuses others, and accepts clients again', async (t) => {
    await using server = await ZeoServer.listen();
    const { command, address, port, get, pinging } = await start(server.address, ['--period', '1']);
    limitOpenFiles(command, `${limit}:${limit}`);
    const first = await WireClient.register({ port, address });
    await pinging();
    const crowd = Array.from({ length: 80 }, () => connect({ port }).on('error', () => {}));
    const disperse = () => {
      for (const client of crowd) client.destroy();
    };
    t.after(disperse);
    await command.line(/its limit of 128 open files, .*: clients are refused until others have left/);
    const [{ code }] = await once(connect({ port }), 'error');
    assert.equal(code, 'ECONNREFUSED');
    await first.call('ping');
    assert.match(
      await get('readyz'),
      new RegExp(`${address}: no client is accepted: .* its limit of 128 open files,`),
    );
    disperse();
    await command.line(/clients are accepted again/);
    assert.equal(await get('readyz'), 'ok\n');
    const next = await WireClient.register({ port, address });
    await Promise.all([first.call('ping'), next.call('ping')]);
    command.kill('SIGTERM');
    await Promise.all([first.closed, next.closed]);
    const { stdout } = await command.ended();
    assert.equal(stdout.match(/open files/g)?.length, 1);
    assert.doesNotMatch(stdout, /a client was refused|EMFILE|the worker thread ended/);
  });

  it('does not call a server down for which it has no descriptor itself', async (t) => {
    await using server = await listenRaw((socket) =>
      socket.on('data', () => socket.write('\x15\x03\x03\0\x02\x02\x28', 'latin1')),
    );
    const options = ['--tls-passthrough', '--period', '0.2', '--timeout', '1'];
    const { command, address, port, pinging } = await start(server.address, options);
    const client = connect({ port }).on('error', () => {});
    t.after(() => client.destroy());
    client.write('\x16\x03\x01\0\0', 'latin1');
    await once(client, 'data');
    await pinging();
    limitOpenFiles(command, '5:');
    const line = await command.line(/ping failed|is down/);
    assert.match(
      line,
      new RegExp(`${address} to ${server.address} +ping failed: Cannot connect to .*: EMFILE$`),
    );
    limitOpenFiles(command, `${limit}:`);
    client.write('still there');
    await once(client, 'data');
    command.kill('SIGTERM');
    assert.doesNotMatch((await command.ended()).stdout, /is down|DEAD/);
  });
});
