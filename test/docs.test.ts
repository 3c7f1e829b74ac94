import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { KeepAlive, StorageRegistry } from 'zeo-keepalive';
import { ZeoServer } from 'zeo-keepalive/testing';
import { resolveSettings } from '#src/agent/settings.js';
import { GuardMetrics } from '#src/cli/guard-status/guard-metrics.js';
import { GuardStatistics } from '#src/cli/guard-status/guard-statistics.js';
import { Metrics } from '#src/cli/watch/prometheus.js';
import { Guard } from '#src/guard/guard.js';
import { RunningCommand, run } from './cli/command.js';
import { missingPromtool, promtoolCheck } from './support/promtool.js';
import { findZeo } from './support/python/environments.js';
import { startZeoServer } from './support/python/zeo-server.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');
const pages = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(path.join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    // It becomes the front page of the API reference and is checked there.
    .filter((name) => name.endsWith('.md') && name !== 'typedoc-front.md')
    .map((name) => path.posix.join('docs', name)),
];
const code = /^( *)```(\w*)\n(.*?)^\1```$/gms;

interface Snippet {
  /** Page and line. */
  readonly where: string;
  readonly text: string;
}

/** The code blocks in these languages, which readers may copy. */
function snippets(...languages: readonly string[]): Snippet[] {
  return pages
    .filter((page) => !page.startsWith('docs/api/'))
    .flatMap((page) => {
      const text = read(page);
      return [...text.matchAll(code)]
        .filter(([, , language]) => languages.includes(language as string))
        .map((match) => ({
          where: `${page}:${text.slice(0, match.index).split('\n').length}`,
          text: match[3] as string,
        }));
    });
}

/** Runs a program as if it were a file of this package, with the address of a test server in place of its own. */
function runSnippet({ text }: Snippet, address: string) {
  const program = text.replaceAll('127.0.0.1:8100', address);
  return new RunningCommand([], {}, ['--input-type=module', '--eval', program]).ended();
}

/** The anchor that GitHub generates for a heading. */
function anchorOf(heading: string): string {
  return heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');
}

/** The anchors in a page. Repeated headings are numbered. */
function anchorsIn(page: string): ReadonlySet<string> {
  const text = read(page).replaceAll(code, '');
  const anchors = new Set([...text.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id as string));
  for (const [, heading] of text.matchAll(/^#+ (.+)$/gm)) {
    const anchor = anchorOf(heading as string);
    let unique = anchor;
    for (let number = 1; anchors.has(unique); number++) unique = `${anchor}-${number}`;
    anchors.add(unique);
  }
  return anchors;
}

function brokenLinksIn(page: string): string[] {
  const text = read(page)
    .replaceAll(code, '')
    .replace(/`[^`\n]*`/g, '``');
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$/gm)].map(
    ([, inline, reference]) => (inline ?? reference) as string,
  );
  return targets.filter((target) => {
    if (/^https?:/.test(target)) return !URL.canParse(target);
    const [file = '', anchor] = target.split('#');
    const to = file === '' ? page : path.posix.join(path.posix.dirname(page), file);
    if (!existsSync(path.join(root, to))) return true;
    return anchor !== undefined && !anchorsIn(to).has(anchor);
  });
}

describe('the documentation', { timeout: 120_000 }, () => {
  for (const page of pages) {
    it(`has only links that lead somewhere: ${page}`, () => assert.deepEqual(brokenLinksIn(page), []));
  }

  for (const snippet of snippets('js')) {
    it(`has an example that runs as written: ${snippet.where}`, async () => {
      await using server = await ZeoServer.listen();
      const { code, stderr } = await runSnippet(snippet, server.address);
      assert.equal(code, 0, stderr);
      assert.doesNotMatch(stderr, /error/i);
    });
  }

  const { executable = '', missing } = findZeo('6.2');
  it('has an example that writes what Python reads from ZEO', { skip: missing }, async () => {
    await using server = await startZeoServer({ version: '6.2' });
    const [writes] = snippets('js').filter(({ text }) => text.includes('.commit('));
    const { code, stdout, stderr } = await runSnippet(writes as Snippet, server.address);
    assert.equal(code, 0, stderr);
    const [, oid = ''] =
      /^(\w{16}) written by \w{16} persistent\.mapping\.PersistentMapping Hello$/m.exec(stdout) ?? [];
    const script = `
import sys, ZODB
from ZEO.ClientStorage import ClientStorage
db = ZODB.DB(ClientStorage((sys.argv[1], int(sys.argv[2])), wait_timeout=20))
print(dict(db.open().get(bytes.fromhex(sys.argv[3]))))
db.close()`;
    const python = await promisify(execFile)(executable, ['-c', script, server.host, `${server.port}`, oid]);
    assert.equal(python.stdout.trim(), "{'title': 'Hello'}");
  });

  it('uses only options that the commands have', async () => {
    const lines = snippets('sh', 'ini', 'dockerfile', 'yaml', '').flatMap(({ text }) => text.split('\n'));
    const uses = lines.flatMap((line) => [...line.matchAll(/\b(watch|check)["']?,? .*/g)]);
    assert.ok(uses.length > 5);
    for (const command of ['watch', 'check']) {
      const { stdout } = await run([command, '--help']);
      const named = uses
        .filter(([, used]) => used === command)
        .flatMap(([use]) => use.match(/--[a-z-]+/g) ?? []);
      for (const option of named) assert.match(stdout, new RegExp(`${option}\\b`), `${command} ${option}`);
    }
  });

  it('lists every setting in the README and for those who migrate', () => {
    const [warning = ''] = resolveSettings({}, { ZEO_KEEPALIVE_X: '1' }).warnings;
    const known = warning.slice(warning.indexOf(';')).match(/ZEO_KEEPALIVE_\w+/g) ?? [];
    assert.ok(known.length > 5);
    const migrating = read('docs/migrating.md');
    for (const name of known) {
      assert.ok(read('README.md').includes(`| \`${name}\` |`), name);
      assert.match(migrating, new RegExp(`\`${name}\\b`));
    }
  });

  it('lists the metrics that watch serves', async () => {
    const agent = new KeepAlive({ period: 1, level: 'silent' }, new StorageRegistry(), {});
    const text = await new Metrics(agent, { states: () => [] }).text();
    const served = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name as string);
    const listed = read('docs/operating.md');
    for (const name of served)
      assert.ok(listed.includes(`\`${name}\``), `docs/operating.md does not list ${name}`);
  });

  it('lists the metrics that guard serves and alerts on no others', async () => {
    const guard = new Guard([], { period: 1, level: 'silent' });
    const text = await new GuardMetrics(guard, new GuardStatistics(guard)).text();
    const served = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name as string);
    const named = new Set(read('docs/guard.md').match(/\b(?:zeo_keepalive|process)_\w+/g));
    for (const name of served) assert.ok(named.has(name), `docs/guard.md does not list ${name}`);
    for (const name of named) assert.ok(served.includes(name.replace(/_(bucket|count|sum)$/, '')), name);
  });

  for (const { where, text } of snippets('yaml').filter(({ text }) => text.startsWith('groups:'))) {
    it(`has alerts that promtool accepts: ${where}`, { skip: missingPromtool }, async (t) => {
      const folder = mkdtempSync(path.join(tmpdir(), 'zeo-keepalive-alerts-'));
      t.after(() => rmSync(folder, { recursive: true }));
      const file = path.join(folder, 'alerts.yml');
      writeFileSync(file, text);
      assert.match(await promtoolCheck(['rules', file]), /SUCCESS: [1-9]\d* rules found/);
    });
  }
});
