import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { ZeoServer } from 'zeo-keepalive/testing';
import { findZeo } from '../python/environments.js';
import { startZeoServer } from '../python/zeo-server.js';
import { CleanProject, nodes } from './clean-project.js';

const { missing } = findZeo('6.2');

/** Opens a storage, says so, and stays; nothing in it knows of the agent. */
const application = `
  import { databases } from 'zeo-keepalive';
  import { ClientStorage } from 'zeo-keepalive/zeo';
  databases.open('main', await ClientStorage.open(process.argv[1]));`;

describe('a project that has nothing but the package', { timeout: 170_000 }, () => {
  let project: CleanProject;

  before(async () => {
    project = await CleanProject.create();
    // prom-client brings it, and npm puts it where the package finds it; other package managers do not.
    await rm(project.path('node_modules/@opentelemetry'), { recursive: true });
  });
  after(() => project[Symbol.asyncDispose]());

  /** Reads lines until each of the patterns was there, in that order. */
  async function lines(child: ChildProcess, ...patterns: readonly RegExp[]): Promise<void> {
    const waiting = [...patterns];
    assert.ok(child.stdout !== null);
    for await (const line of createInterface(child.stdout)) {
      if (waiting[0]?.test(line)) waiting.shift();
      if (waiting.length === 0) return;
    }
    assert.fail(`It ended without ${waiting[0]}`);
  }

  for (const { executable: node, version } of nodes) {
    describe(`on Node ${version}`, () => {
      it('has the command, with help and the version of the package', async () => {
        const { stdout: ownVersion } = await project.command(node, '--version');
        assert.match(ownVersion, /^\d+\.\d+\.\d+\n$/);
        const { stdout: help } = await project.command(node, '--help');
        assert.match(help, /Usage: zeo-keepalive/);
      });

      it('shows the demonstration', async () => {
        const { stdout } = await project.command(node, 'demo');
        assert.match(stdout, /DEAD.*Everything came as promised/s);
      });

      it('checks and watches a server', { skip: missing }, async () => {
        await using server = await startZeoServer({ version: '6.2' });
        const { stdout } = await project.command(node, 'check', server.address);
        assert.match(stdout, /^ZEO OK .*\|.*ms/);

        const args = ['watch', '--period', '0.2', '--timeout', '0.4', server.address];
        const watch = spawn(project.path('node_modules/.bin/zeo-keepalive'), args, project.options(node));
        const seen = lines(watch, /connected to/, /ping answered/, /DEAD/, /back after/);
        watch.stdout.on('data', (text) => {
          if (/ping answered/.test(text)) server.signal('SIGSTOP');
          if (/DEAD/.test(text)) server.signal('SIGCONT');
        });
        await seen;
        watch.kill('SIGINT');
        assert.deepEqual(await once(watch, 'exit'), [0, null]);
      });

      it('starts the agent by --import, without OpenTelemetry and without a word about it', async () => {
        await using server = await ZeoServer.listen();
        const args = ['--import', 'zeo-keepalive/register', '--input-type=module'];
        const env = { ZEO_KEEPALIVE_PERIOD: '0.2' };
        const host = spawn(
          node,
          [...args, '--eval', application, server.address],
          project.options(node, env),
        );
        let log = '';
        host.stderr.on('data', (text) => {
          log += text;
        });
        for (let pings = 0; pings < 2; ) {
          const [{ method }] = await once(server, 'call');
          if (method === 'get_info') pings += 1;
        }
        host.kill('SIGTERM');
        await once(host, 'close');
        assert.match(log, /^{.*"Keep alive thread started with period 0.2 s"}\n$/);
      });

      it('says what zeo-keepalive/metrics lacks there', async () => {
        const run = project.run(node, ['--eval', 'require("zeo-keepalive/metrics")']);
        await assert.rejects(run, { stderr: /Cannot find package '@opentelemetry\/api'/ });
      });

      it('has stack traces that lead to the lines of its sources', async () => {
        const run = project.run(node, [
          '--enable-source-maps',
          '--eval',
          'require("zeo-keepalive").startThread(NaN)',
        ]);
        await assert.rejects(run, { stderr: /at \S+ \(.*zeo-keepalive\/src\/settings\.ts:\d+:\d+\)/ });
      });
    });
  }
});
