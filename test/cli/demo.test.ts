import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { missingForSockets } from '#src/cli/socket-demo.js';
import { programs } from '../socket-lab/servers/programs.js';
import { executableOf } from '../socket-lab/servers/server-program.js';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

/** Resolves to what it prints. Rejects on any other exit code than 0. */
async function runDemo(env: NodeJS.ProcessEnv): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [main], { env });
  return stdout;
}

function assertOrder(stdout: string, order: readonly (string | RegExp)[]): void {
  const positions = order.map((words) => stdout.search(words));
  assert.ok(!positions.includes(-1), stdout);
  assert.deepEqual(
    [...positions].sort((a, b) => a - b),
    positions,
    stdout,
  );
}

const silence = ['goes silent', 'DEAD', 'learned of 1 changed', 'connected again'];
const end = 'Everything went as promised';
const severed = (client: string) => [
  'The path to the servers is gone',
  new RegExp(`${client} .* DEAD: tcp 127.0.0.1`),
  'the others still wait',
  new RegExp(`${client} .*connected again and got its answer`),
];
const noNetwork = await missingForSockets();
const has = (name: keyof typeof programs) => executableOf(programs[name]) !== undefined;

// Each mostly waits.
describe('npm start', { concurrency: true, timeout: 60_000 }, () => {
  it('shows silence, detection and reconnect in order, and ends', async () => {
    const sockets = noNetwork === undefined ? severed('socket') : ['Not shown here'];
    const stdout = await runDemo(process.env);
    assertOrder(stdout, [...silence, ...sockets, end]);
    if (noNetwork !== undefined) return;
    const without = '(If Redis and ioredis, or PostgreSQL and pg';
    if (has('redis')) assertOrder(stdout, severed('ioredis'));
    else if (has('postgresql')) assertOrder(stdout, severed('pg'));
    else assert.ok(stdout.includes(without), stdout);
  });

  const skip = noNetwork ?? (has('postgresql') ? false : `no ${programs.postgresql.debianPackage}`);
  it('shows a client of PostgreSQL where there is no Redis', { skip }, async (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'demo-path-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const postgres = executableOf(programs.postgresql) as string;
    const initdb = path.join(path.dirname(postgres), 'initdb');
    const others = ['unshare', 'setpriv', 'ip'].map((name) =>
      execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim(),
    );
    for (const file of [postgres, initdb, ...others])
      symlinkSync(file, path.join(folder, path.basename(file)));
    assertOrder(await runDemo({ ...process.env, PATH: folder }), [...severed('pg'), end]);
  });

  it('says why it shows no sockets where it cannot make a network', async () => {
    // Neither unshare nor ip is found.
    const stdout = await runDemo({ ...process.env, PATH: '' });
    assertOrder(stdout, [...silence, 'Not shown here: ', end]);
  });
});
