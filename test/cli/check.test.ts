import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ZeoServer } from 'zeo-keepalive/testing';
import { ClientStorage, zeroId } from 'zeo-keepalive/zeo';
import { findZeo } from '../support/python/environments.js';
import { startZeoServer } from '../support/python/zeo-server.js';
import { run } from './command.js';

const { missing } = findZeo('6.2');
const figure = String.raw`\d+(\.\d+)?`;
const execute = promisify(execFile);
const record = Buffer.from('cpersistent.mapping\nPersistentMapping\n.(dVdata\n(dss.');
const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

describe('zeo-keepalive check', { timeout: 120_000 }, () => {
  it("is OK if ZEO's own server answers, on a port or a unix socket", { skip: missing }, async () => {
    for (const unix of [false, true]) {
      await using server = await startZeoServer({ version: '6.2', unix });
      const { code, stdout } = await run([
        'check',
        '--warning',
        '5000',
        '--critical',
        '6000',
        server.address,
      ]);
      assert.equal(code, 0, stdout);
      const name = server.address.replaceAll('.', String.raw`\.`);
      const perfdata = `'${name} rtt'=${figure}ms;5000;6000;0 '${name} connect'=${figure}ms;;;0 '${name} lock'=0s;60;300;0`;
      assert.match(stdout, new RegExp(`^ZEO OK - ${name} answered in ${figure} ms \\| ${perfdata}\n$`));
    }
  });

  it('is CRITICAL within the timeout if the server hangs', { skip: missing }, async () => {
    await using server = await startZeoServer({ version: '6.2' });
    server.signal('SIGSTOP');
    for (const how of [[], ['--ruok']]) {
      const { code, stdout } = await run(['check', '--timeout', '0.7', ...how, server.address]);
      assert.equal(code, 2);
      assert.match(
        stdout,
        /: the greeting of a ZEO server did not complete within 0\.7 s; one that expects TLS/,
      );
    }
  });

  it('names the call that a server did not answer in time', async (t) => {
    const greeting = '\0\0\0\x02Z5';
    const greeter = createServer((socket) => socket.on('error', () => {}).write(greeting)).listen(
      0,
      '127.0.0.1',
    );
    t.after(() => greeter.close());
    await once(greeter, 'listening');
    const { port } = greeter.address() as AddressInfo;
    const asked = await run(['check', '--ruok', '--timeout', '0.7', `127.0.0.1:${port}`]);
    assert.equal(asked.code, 2);
    assert.match(
      asked.stdout,
      /Cannot ask 127\.0\.0\.1:\d+: the reply to ruok did not complete within 0\.7 s\n$/,
    );
    for (const [call, times, name] of [
      // A client begins with one, too.
      ['get_info', 2, 'the ping'],
      ['server_status', 1, 'server_status'],
    ] as const) {
      await using server = await ZeoServer.listen();
      let left: number = times;
      server.on('call', ({ connection, method }) => {
        if (method === call) left -= 1;
        if (left === 0) connection.silence();
      });
      const { code, stdout } = await run(['check', '--timeout', '1.5', server.address]);
      assert.equal(code, 2, stdout);
      assert.match(stdout, new RegExp(`Cannot ask \\S+: ${name} did not complete within [\\d.]+ s\n$`));
    }
  });

  it('judges for how long a commit has held the lock', { skip: missing }, async () => {
    await using server = await startZeoServer({ version: '6.2' });
    await using holder = await ClientStorage.open(server.address);
    await using waiter = await ClientStorage.open(server.address);
    const transaction = await holder.tpcBegin();
    await transaction.store(await holder.newOid(), zeroId, record);
    await transaction.tpcVote();
    const waiting = await waiter.tpcBegin();
    await waiting.store(await waiter.newOid(), zeroId, record);
    const voted = waiting.tpcVote().catch(() => {});
    for (const how of [[], ['--ruok']]) {
      const good = await run(['check', ...how, server.address]);
      assert.match(good.stdout, / lock'=[\d.]+s;60;300;0/);
      assert.doesNotMatch(good.stdout, /held the lock/);
      const warning = await run(['check', ...how, '--lock-warning', '0', server.address]);
      assert.equal(warning.code, 1);
      assert.match(
        warning.stdout,
        /WARNING - .* one commit has held the lock of its storage.* for .*s; 1 other waits \|/,
      );
      const critical = await run([
        'check',
        ...how,
        '--lock-warning',
        '0',
        '--lock-critical',
        '0',
        server.address,
      ]);
      assert.equal(critical.code, 2);
    }
    await transaction.tpcAbort();
    await voted;
  });

  it('does not wait for a server that refuses connections', async () => {
    const { code, stdout } = await run(['check', '--timeout', '600', '127.0.0.1:1']);
    assert.equal(code, 2);
    assert.match(stdout, /^ZEO CRITICAL - 127\.0\.0\.1:1 cannot be used: .*ECONNREFUSED\n$/);
  });

  it('takes the first reply to ruok although another server hangs', async (t) => {
    await using server = await ZeoServer.listen();
    // Accepts connections and stays silent.
    const hung = createServer((socket) => socket.on('error', () => {}).resume());
    hung.listen(0, '127.0.0.1');
    t.after(() => hung.close());
    await once(hung, 'listening');
    const { port } = hung.address() as AddressInfo;
    const directory = await mkdtemp(join(tmpdir(), 'zeo-'));
    t.after(() => rm(directory, { recursive: true }));
    const config = join(directory, 'zope.conf');
    const servers = `server 127.0.0.1:${port}\n server ${server.address}`;
    await writeFile(
      config,
      `<zodb_db main>\n mount-point /\n <zeoclient>\n ${servers}\n </zeoclient>\n</zodb_db>\n`,
    );
    const { code, signal, stdout } = await run(['check', '--ruok', '--timeout', '600', '--config', config]);
    assert.equal(signal, null);
    assert.equal(code, 1, stdout);
    assert.match(stdout, /^ZEO WARNING - \S+ answered ruok in /);
  });

  it('applies the thresholds to the round trip and reports the worst', async () => {
    await using server = await ZeoServer.listen({ storages: ['1', 'other'] });
    const slow = await run(['check', '-w', '0.000001', server.address]);
    assert.equal(slow.code, 1, slow.stdout);
    assert.match(slow.stdout, /^ZEO WARNING - .* answered in /);
    const slower = await run(['check', '-w', '0.000001', '-c', '0.000001', server.address]);
    assert.equal(slower.code, 2);
    const other = `zeo://${server.address}?storage=other`;
    const mixed = await run(['check', '-w', '5000', server.address, other, '127.0.0.1:1']);
    assert.equal(mixed.code, 2);
    assert.match(mixed.stdout, /^ZEO CRITICAL - 1 of 3: 127\.0\.0\.1:1 cannot .* \| .*'\S+\/other rtt'=/);
    const good = await run(['check', '-w', '5000', server.address, other]);
    assert.match(good.stdout, /^ZEO OK - all 2 answered \| /);
  });

  it('judges each server of a storage by itself with --all-servers', async () => {
    await using server = await ZeoServer.listen();
    const servers = `${server.address},127.0.0.1:1`;
    const one = await run(['check', servers]);
    assert.equal(one.code, 0, one.stdout);
    const all = await run(['check', '--all-servers', servers]);
    assert.equal(all.code, 2);
    assert.match(all.stdout, /^ZEO CRITICAL - 1 of 2: 127\.0\.0\.1:1 cannot be used: /);
  });

  it('names the storage that a server does not have', async () => {
    await using server = await ZeoServer.listen();
    for (const how of [[], ['--ruok']]) {
      const { code, stdout } = await run(['check', ...how, `zeo://${server.address}?storage=nope`]);
      assert.equal(code, 2);
      assert.match(stdout, /has no storage "nope"/);
    }
  });

  it("asks ruok without registering and reports ZEO's own counters", { skip: missing }, async () => {
    await using server = await startZeoServer({ version: '6.2' });
    const { code, stdout } = await run(['check', '--ruok', server.address]);
    // As in ZEO's own plugin.
    assert.equal(code, 1);
    assert.match(stdout, /^ZEO WARNING - \S+ answered ruok in [\d.]+ ms; its storage "1" is empty \| /);
    assert.match(stdout, /1 connections'=0;;;0/);
    assert.match(stdout, /1 loads'=\d+c;;;0/);
    assert.doesNotMatch(server.log, /register/);
  });

  it('is CRITICAL for a peer that is not ZEO, and prints it safely', async (t) => {
    const peer = createServer((socket) => {
      socket.on('error', () => {});
      socket.end('HTTP/1.0 400 \x1b[2J\x1b]0;owned\x07|bar\r\n\r\n');
    });
    peer.listen(0, '127.0.0.1');
    t.after(() => peer.close());
    await once(peer, 'listening');
    const { port } = peer.address() as AddressInfo;
    for (const how of [[], ['--ruok']]) {
      const { code, stdout } = await run(['check', '--timeout', '5', ...how, `127.0.0.1:${port}`]);
      assert.equal(code, 2, stdout);
      assert.match(stdout, /^ZEO CRITICAL - [^\p{Cc}|]+\n$/u);
    }
  });

  it('prints a socket path without its control characters', async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'zeo-'));
    t.after(() => rm(directory, { recursive: true }));
    const path = join(directory, 'a\x1b[2Jb.sock');
    await using server = await ZeoServer.listen({ path });
    const { code, stdout } = await run(['check', server.address]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^ZEO OK - \S+b\.sock answered in [^\p{Cc}]+\n$/u);
  });

  it('reports usage errors as UNKNOWN on standard output', async () => {
    for (const [args, why] of [
      [[], "missing argument 'ADDRESS'"],
      [['--nonsense', '127.0.0.1:1'], "unknown option '--nonsense'"],
      [['-w', 'soon', '127.0.0.1:1'], 'Expected a number of milliseconds from 0.'],
      [['-w', '9', '-c', '5', '127.0.0.1:1'], '--warning must not exceed --critical'],
      [['--lock-warning', '301', '127.0.0.1:1'], '--lock-warning must not exceed --lock-critical'],
      [['-t', '0', '127.0.0.1:1'], 'number of seconds'],
      [['-t', '5000', '127.0.0.1:1'], 'Expected a number of seconds from 0.001 to 600.'],
      [['nowhere'], 'Invalid ZEO address'],
      [['zeo://127.0.0.1:1?colour=blue'], 'received "colour"'],
      [['--config', '/no|where'], '/no/where'],
      [['--no|nsense', '127.0.0.1:1'], "unknown option '--no/nsense'"],
    ] as const) {
      const { code, stdout } = await run(['check', ...args]);
      assert.equal(code, 3, stdout);
      assert.ok(stdout.startsWith('ZEO UNKNOWN - ') && stdout.includes(why), stdout);
      assert.equal(stdout.trimEnd().split('\n').length, 1);
      // Text after a bar would be read as figures.
      assert.doesNotMatch(stdout, /\|/);
    }
  });

  it('has exit codes that a shell script can branch on', async () => {
    await using server = await ZeoServer.listen();
    const script = `if "$0" "$1" check "$2" >/dev/null; then echo up; fi
      "$0" "$1" check 127.0.0.1:1 >/dev/null || echo "down, $?"`;
    const { stdout } = await execute('sh', ['-c', script, process.execPath, main, server.address]);
    assert.equal(stdout, 'up\ndown, 2\n');
  });
});
