import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { missingForSockets } from '#src/cli/socket-demo.js';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

/** Resolves to what it prints. Rejects on any other exit code than 0. */
async function runDemo(env: NodeJS.ProcessEnv): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [main], { env });
  return stdout;
}

function assertOrder(stdout: string, order: readonly string[]): void {
  const positions = order.map((words) => stdout.indexOf(words));
  assert.ok(!positions.includes(-1), stdout);
  assert.deepEqual(
    [...positions].sort((a, b) => a - b),
    positions,
    stdout,
  );
}

const silence = ['goes silent', 'DEAD', 'learned of 1 changed', 'connected again'];

describe('npm start', () => {
  it('shows silence, detection and reconnect in order, and ends', {
    timeout: 60_000,
  }, async () => {
    const sockets =
      (await missingForSockets()) === undefined
        ? ['The path to the server is gone', 'DEAD: tcp 127.0.0.1', 'still waits', 'connects again']
        : ['Not shown here'];
    assertOrder(await runDemo(process.env), [...silence, ...sockets, 'Everything went as promised']);
  });

  it('says why it shows no sockets where it cannot make a network', {
    timeout: 60_000,
  }, async () => {
    // Neither unshare nor ip is found.
    const stdout = await runDemo({ ...process.env, PATH: '' });
    assertOrder(stdout, [...silence, 'Not shown here: ', 'Everything went as promised']);
  });
});
