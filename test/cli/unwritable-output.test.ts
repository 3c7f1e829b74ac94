import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ZeoServer } from 'zeo-keepalive/testing';
import { RunningCommand } from './command.js';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const skip = existsSync('/dev/full') ? false : 'there is no /dev/full';

/** Runs the command with its standard output on a full disk. */
async function onFullDisk(...args: string[]) {
  const full = openSync('/dev/full', 'w');
  try {
    const child = spawn(process.execPath, [main, ...args], {
      stdio: ['ignore', full, 'pipe'],
      timeout: 60_000,
      killSignal: 'SIGKILL',
    });
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const [code] = await once(child, 'close');
    return { code, stderr };
  } finally {
    closeSync(full);
  }
}

const unwritten = /^error: Cannot write to standard output: ENOSPC: no space left on device, write\n$/;

describe('zeo-keepalive with its output on a full disk', { skip, timeout: 120_000 }, () => {
  for (const flags of [[], ['--json'], ['--quiet', '--metrics', '0']])
    it(`ends watch ${flags.join(' ')} with 1 and a line on standard error`, async () => {
      await using server = await ZeoServer.listen();
      const { code, stderr } = await onFullDisk('watch', '--period', '0.2', ...flags, server.address);
      assert.equal(code, 1);
      assert.match(stderr, unwritten);
    });

  it('ends check with UNKNOWN, whatever the result was', async () => {
    await using server = await ZeoServer.listen();
    for (const args of [
      [server.address],
      ['--ruok', server.address],
      ['127.0.0.1:1'],
      ['--nonsense'],
      ['--help'],
    ]) {
      const { code, stderr } = await onFullDisk('check', ...args);
      assert.equal(code, 3, args.join(' '));
      assert.match(stderr, unwritten);
    }
  });

  for (const args of [['--help'], ['--version'], ['watch', '--help'], ['demo']])
    it(`ends ${args.join(' ')} with 1 and an error message`, async () => {
      const { code, stderr } = await onFullDisk(...args);
      assert.equal(code, 1);
      assert.match(stderr, unwritten);
    });
});

describe('zeo-keepalive with a closed output', { timeout: 120_000 }, () => {
  it('ends check with the exit code of its result', async () => {
    await using server = await ZeoServer.listen();
    const commands = [server.address, '127.0.0.1:1'].map((address) => new RunningCommand(['check', address]));
    for (const command of commands) command.closeOutput();
    const ended = await Promise.all(commands.map((command) => command.ended()));
    assert.deepEqual(
      ended.map(({ code, stderr }) => [code, stderr]),
      [
        [0, ''],
        [2, ''],
      ],
    );
  });

  it('ends watch with 0, also if the output was a socket that is reset', async (t) => {
    const listener = createServer().listen(0, '127.0.0.1');
    t.after(() => listener.close());
    await once(listener, 'listening');
    const accepted = once(listener, 'connection');
    const stdout = connect((listener.address() as AddressInfo).port, '127.0.0.1');
    await once(stdout, 'connect');
    const args = [main, 'watch', '--period', '0.2', '127.0.0.1:1'];
    const child = spawn(process.execPath, args, { stdio: ['ignore', stdout, 'pipe'], timeout: 60_000 });
    // The child has a descriptor of its own.
    stdout.destroy();
    const ended = once(child, 'close');
    const [reader] = (await accepted) as [Socket];
    reader.on('error', () => {});
    await once(reader, 'data');
    reader.resetAndDestroy();
    assert.deepEqual(await ended, [0, null]);
  });
});
