import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CommitBuild } from '../compare/commit-build.js';
import { changeInWords, changeOf, pairedTable } from '../compare/paired.js';
import { commitOf } from '../environment.js';

const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url));
const identity = {
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@b',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@b',
};

describe('A commit that is measured beside the working tree', { timeout: 120_000 }, () => {
  let root: string;
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', env: { ...process.env, ...identity } }).trim();
  const write = (file: string, text: string) => {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  };
  const commit = (source: string) => {
    write('src/answer.ts', source);
    git('add', '--all');
    git('commit', '--quiet', '--message', 'change');
    return git('rev-parse', '--short', 'HEAD');
  };
  /** What its build says, to a process of this tree's benchmarks. */
  const answerOf = async ({ processes }: CommitBuild): Promise<number> =>
    (await import(new URL('ask.js', processes).href)).answer;
  const left = () => readdirSync(tmpdir()).filter((name) => name.startsWith('zeo-keepalive-compare-'));

  let old: string;
  before(() => {
    root = mkdtempSync(path.join(tmpdir(), 'zeo-keepalive-repository-'));
    git('init', '--quiet');
    write('.gitignore', 'node_modules\ndist/\n');
    write('package.json', '{ "type": "module" }');
    write('benchmarks/package.json', '{ "type": "module" }');
    const compilerOptions = { module: 'nodenext', target: 'es2022', rootDir: '.', outDir: 'dist', types: [] };
    write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['src'] }));
    symlinkSync(modules, path.join(root, 'node_modules'));
    old = commit('export const answer: number = 1;\n');
    commit('export const answer: number = 2;\n');
    write('benchmarks/dist/processes/ask.js', "export { answer } from '../../../dist/src/answer.js';\n");
  });
  after(() => rmSync(root, { recursive: true }));

  it('is built by itself, for the benchmarks of the working tree', async () => {
    write('src/answer.ts', 'export const answer: number = 3;\n');
    try {
      assert.equal(commitOf(root), `${git('rev-parse', '--short', 'HEAD')}+`);
      using build = await CommitBuild.of('HEAD~1', root);
      assert.equal(build.name, old);
      assert.equal(await answerOf(build), 1);
      using newest = await CommitBuild.of('HEAD', root);
      assert.equal(await answerOf(newest), 2);
    } finally {
      git('checkout', '--quiet', 'src');
    }
    assert.equal(commitOf(root), git('rev-parse', '--short', 'HEAD'));
  });

  it('is removed when it has been measured', async () => {
    const build = await CommitBuild.of(old, root);
    const folder = fileURLToPath(new URL('../../../', build.processes));
    assert.ok(existsSync(folder));
    build[Symbol.dispose]();
    assert.equal(existsSync(folder), false);
    assert.equal(git('worktree', 'list').split('\n').length, 1);
  });

  for (const name of ['no-such', '-x', '--help', 'HEAD:src', '']) {
    it(`is refused as ${JSON.stringify(name)}`, async () => {
      const message = `Expected a commit to compare with, found ${name}`;
      await assert.rejects(CommitBuild.of(name, root), { message });
    });
  }

  it('is refused with the errors of the compiler, and leaves nothing', async () => {
    const before = left();
    const broken = commit("export const answer: number = 'four';\n");
    await assert.rejects(CommitBuild.of(broken, root), (error: Error) => {
      assert.ok(error.message.startsWith(`${broken} cannot be built:\n`), error.message);
      return /src\/answer\.ts\(1,14\): error TS2322/.test(error.message);
    });
    assert.deepEqual([left(), git('worktree', 'list').split('\n').length], [before, 1]);
  });
});

describe('The comparison of two builds', () => {
  it('has the ratio of each round: what slows a round down slows both', () => {
    const { ratio, range, verdict } = changeOf({ before: [100, 400, 200], after: [110, 480, 210] });
    assert.deepEqual([ratio, range], [1.1, [1.05, 1.2]]);
    assert.equal(verdict, 'worse');
  });

  it('has a verdict only where all rounds agree, and there are some', () => {
    assert.equal(changeOf({ before: [10, 10, 10], after: [9, 8, 5] }).verdict, 'better');
    assert.equal(changeOf({ before: [10, 10, 10], after: [9, 8, 11] }).verdict, undefined);
    assert.equal(changeOf({ before: [10, 10, 10], after: [11, 12, 10] }).verdict, undefined);
    assert.equal(changeOf({ before: [10, 10], after: [20, 20] }).verdict, undefined);
  });

  it('is put in words as soon as a case has been measured', () => {
    assert.equal(
      changeInWords({ before: [100, 400, 200], after: [110, 480, 210] }),
      '1.10 x, 1.05 to 1.20, worse in each round',
    );
    assert.equal(changeInWords({ before: [100], after: [110] }), '1.10 x, 1.10 to 1.10');
  });

  it('is a table of both costs, their ratio, and the smallest and largest one', () => {
    const row = { scenario: 'ping', of: '100 storages', unit: 'µs' };
    const rows = [
      { ...row, before: [10, 20, 30], after: [11, 23, 33] },
      { ...row, of: '1 storage', before: [10], after: [9] },
    ];
    assert.equal(
      pairedTable(rows, ['1a2b3c4', 'working tree']),
      [
        '                    1a2b3c4  working tree   ratio  of the rounds',
        'ping, 100 storages    20 µs         23 µs  1.10 x  1.10 to 1.15   worse in each round',
        'ping, 1 storage       10 µs          9 µs  0.90 x  0.90 to 0.90',
      ].join('\n'),
    );
  });
});
