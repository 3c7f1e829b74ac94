import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { ZeoServer } from 'zeo-keepalive/testing';
import { isOfBusyMachine } from '../agent/captured-log.js';
import { findZeo } from '../support/python/environments.js';
import { startZeoServer } from '../support/python/zeo-server.js';
import { CleanProject, nodes } from './clean-project.js';

const { missing } = findZeo('6.2');

/** Opens a storage and keeps running; it does not know the agent. */
const application = `
  import { databases } from 'zeo-keepalive';
  import { ClientStorage } from 'zeo-keepalive/zeo';
  databases.open('main', await ClientStorage.open(process.argv[1]));`;

// All Node versions at once, because their processes mostly wait; on each the tests run one after the other.
describe('a project with only the package', { timeout: 170_000, concurrency: true }, () => {
  let project: CleanProject;

  before(async () => {
    project = await CleanProject.create();
    // A dependency of prom-client, which npm hoists to where the package finds it; other package managers do not.
    const [found, hidden] = ['node_modules', 'node_modules/prom-client/node_modules'].map((folder) =>
      project.path(folder, '@opentelemetry'),
    ) as [string, string];
    await mkdir(path.dirname(hidden), { recursive: true });
    await rename(found, hidden);
  });
  after(() => project[Symbol.asyncDispose]());

  /** Reads lines until each of the patterns has matched, in that order. */
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
    describe(`on Node ${version}`, { concurrency: 1 }, () => {
      it('has the command with its help and the package version', async () => {
        const { stdout: ownVersion } = await project.command(node, '--version');
        assert.match(ownVersion, /^\d+\.\d+\.\d+\n$/);
        const { stdout: help } = await project.command(node, '--help');
        assert.match(help, /Usage: zeo-keepalive/);
      });

      it('runs the demonstration, which goes as promised', async () => {
        const { stdout } = await project.command(node, 'demo');
        assert.match(stdout, /DEAD.*Everything went as promised/s);
        // It has no clients of databases either, and says so where it shows sockets.
        if (/socket .*DEAD/.test(stdout))
          assert.match(stdout, /^\(If Redis and ioredis, or PostgreSQL and pg/m);
      });

      it('checks and watches the servers of a zope.conf, and serves metrics', { skip: missing }, async () => {
        await using server = await startZeoServer({ version: '6.2' });
        const config = project.path(`${version}.conf`);
        const client = `<zeoclient>\n server ${server.address}\n </zeoclient>`;
        await writeFile(config, `<zodb_db main>\n mount-point /\n ${client}\n</zodb_db>\n`);
        const { stdout } = await project.command(node, 'check', '--config', config);
        assert.match(stdout, /^ZEO OK - main .*\|.*ms/);

        const fast = ['--period', '0.2', '--timeout', '0.4'];
        const args = ['watch', ...fast, '--metrics', '0', '--config', config];
        const watch = spawn(project.path('node_modules/.bin/zeo-keepalive'), args, project.options(node));
        const seen = lines(watch, /connected to/, /ping answered/, /DEAD/, /back after/);
        let output = '';
        watch.stdout.on('data', (text) => {
          output += text;
          if (/ping answered/.test(text)) server.signal('SIGSTOP');
          if (/DEAD/.test(text)) server.signal('SIGCONT');
        });
        await seen;
        const [url = ''] = /http:\S+\/metrics/.exec(output) ?? [];
        const metrics = await (await fetch(url)).text();
        assert.match(metrics, /^zeo_keepalive_pings_total\{storage="main",result="dead"\} [1-9]/m);
        watch.kill('SIGINT');
        assert.deepEqual(await once(watch, 'exit'), [0, null]);
      });

      it('starts the agent by --import quietly without OpenTelemetry', async () => {
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
        // Opening the storage is the first of them. A line that is not yet written would be lost with the process.
        for (let calls = 0; calls < 3 || log === ''; ) {
          const [{ method }] = await once(server, 'call');
          if (method === 'get_info') calls += 1;
        }
        host.kill('SIGTERM');
        await once(host, 'close');
        const messages = log
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line).msg);
        const expected = ['Keep alive thread started with period 0.2 s'];
        assert.deepEqual(
          messages.filter((message) => !isOfBusyMachine(message)),
          expected,
        );
      });

      it('names the package that zeo-keepalive/metrics lacks', async () => {
        const run = project.run(node, ['--eval', 'require("zeo-keepalive/metrics")']);
        await assert.rejects(run, { stderr: /Cannot find package '@opentelemetry\/api'/ });
      });

      it('has stack traces that point to lines of its sources', async () => {
        const run = project.run(node, [
          '--enable-source-maps',
          '--eval',
          'require("zeo-keepalive").startThread(NaN)',
        ]);
        await assert.rejects(run, { stderr: /at \S+ \(.*zeo-keepalive\/src\/agent\/settings\.ts:\d+:\d+\)/ });
      });
    });
  }
});
