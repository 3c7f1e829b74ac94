import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import type { Figure } from '../figure.js';
import { writePage } from '../report/page.js';
import { textTable } from '../report/text-table.js';
import { type Result, readResults, writeResults } from '../results.js';

const folder = mkdtempSync(path.join(tmpdir(), 'benchmarks-'));
after(() => rmSync(folder, { recursive: true }));

const environment = {
  date: '2026-01-01T00:00:00Z',
  commit: 'abcdef0',
  node: 'v20.19.0',
  cpu: 'a CPU',
  cores: 2,
  memoryGib: 8,
  system: 'linux x64',
  load: 0.1,
  coldPageNs: 1234,
};
const figures: readonly Figure[] = ['few', 'many'].flatMap((of) => [
  { subject: 'bare', of, value: 20, unit: 'µs' },
  {
    subject: 'agent',
    of,
    value: of === 'few' ? 28 : 40,
    unit: 'µs',
    baseline: { subject: 'bare', value: 20 },
    target: { on: 'ratio', atMost: 1.5 },
  },
]);
const resultOf = (scenario: string, ofFigures: readonly Figure[] = figures): Result => ({
  scenario,
  title: `Title of ${scenario}`,
  about: 'What it is about.',
  quick: false,
  environment,
  durationSeconds: 1,
  figures: ofFigures,
});

describe('the table at the end', () => {
  it('has the ratio and the target of each figure', () => {
    assert.deepEqual(
      textTable(figures)
        .split('\n')
        .filter((line) => line.startsWith('agent'))
        .map(squeeze),
      [
        'agent few 28 µs 1.40 x bare at most 1.5 x reached',
        'agent many 40 µs 2.00 x bare at most 1.5 x missed',
      ],
    );
  });
});

describe('the results of a run', () => {
  it('replace those of the same scenarios in a file, and no others', () => {
    const file = path.join(folder, 'results.json');
    const order = ['a', 'b', 'c'];
    writeResults(file, [resultOf('c'), resultOf('a')], order);
    const never: Figure = { subject: 'agent', of: 'few', value: Infinity, unit: 's' };
    writeResults(file, [resultOf('c', [never]), resultOf('b')], order);
    const results = readResults(file);
    assert.deepEqual(
      results.map(({ scenario }) => scenario),
      order,
    );
    assert.deepEqual(results[2]?.figures, [never]);
    assert.deepEqual(results[0]?.figures, figures);
  });
});

describe('the page', () => {
  it('lists targets reached and missed, and each scenario with a plot', () => {
    writePage(folder, [resultOf('ping')]);
    const page = readFileSync(path.join(folder, 'performance.md'), 'utf8');
    assert.match(page, /^1 of 2 reached\.$/m);
    assert.match(page, /\| agent, many \| 40 µs \| 2\.00 x \| bare \| at most 1\.5 x \| \*\*missed\*\* \|/);
    assert.match(page, /^\| agent \| 28 µs \(1\.40 x\) \| 40 µs \(2\.00 x\) \|$/m);
    assert.match(page, /commit abcdef0/);
    const [, plot = ''] = /!\[[^\]]*\]\(([^)]+)\)/.exec(page) ?? [];
    const svg = readFileSync(path.join(folder, plot), 'utf8');
    assert.match(svg, /^<svg[^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    for (const text of ['agent', 'bare', 'few', 'many', '28', '40'])
      assert.ok(svg.includes(`>${text}</text>`), text);
    assert.doesNotMatch(
      svg,
      /<style|:hover|ecmeta_|pointer-events|class=/,
      'nothing that only reacts to a pointer',
    );
  });

  it('says what the machine was, and how cold its memory was where that is known', () => {
    const { coldPageNs: _, ...earlier } = environment;
    writePage(folder, [resultOf('ping'), { ...resultOf('older'), environment: earlier }]);
    const page = readFileSync(path.join(folder, 'performance.md'), 'utf8');
    assert.match(page, /2 × a CPU, .* commit abcdef0, .* load 0\.1 before, 1,234 ns for an idle page\b/);
    assert.match(page, /load 0\.1 before(?!,)/);
  });

  it('removes old plots, and warns if it is made from a quick run', () => {
    writePage(folder, [{ ...resultOf('other'), quick: true }]);
    assert.deepEqual(readdirSync(path.join(folder, 'performance')), ['other-us.svg']);
    assert.match(readFileSync(path.join(folder, 'performance.md'), 'utf8'), /Not to be published/);
  });

  it('shows an event that never came as never', () => {
    const late = figures.map((figure) =>
      figure.subject === 'bare' ? { ...figure, value: Infinity } : figure,
    );
    writePage(folder, [resultOf('ping', late)]);
    assert.match(readFileSync(path.join(folder, 'performance.md'), 'utf8'), /\| bare \| never \| never \|/);
    assert.ok(readFileSync(path.join(folder, 'performance/ping-us.svg'), 'utf8').includes('>never</text>'));
  });

  it('begins with a picture and sentences of what was measured', () => {
    const detected = (subject: string, s: number, percent: number): Figure[] => [
      { subject, of: 'silent drop, max', value: s, unit: 's' },
      { subject, of: 'false disconnects, 3 s stall', value: percent, unit: '%' },
    ];
    const others = [
      '@grpc/grpc-js',
      'ws, heartbeat of its README',
      'socket.io',
      'mqtt, broker aedes',
      "ZEO's Python client",
    ];
    const measured = [
      ...detected('zeo-keepalive', 1.9, 0),
      ...others.flatMap((name) => detected(name, Infinity, 25)),
    ];
    writePage(folder, [resultOf('detection', measured)]);
    const page = readFileSync(path.join(folder, 'performance.md'), 'utf8');
    const [, picture, sentences = ''] = page.split('\n\n');
    assert.match(picture as string, /^!\[[^\]]+\]\(performance\/overview\.svg\)$/);
    assert.ok(readFileSync(path.join(folder, 'performance/overview.svg'), 'utf8').includes('>never</text>'));
    assert.match(sentences, /detected within 1\.9 s \(.*\n.*dropped 0 % of its healthy.*ws 25 %/);
    assert.equal(sentences.split('\n').length, 2, 'a sentence without its figures is left out');
    assert.match(page, /\| 1\.9 s \| @grpc\/grpc-js: never; ws, heartbeat of its README: never; /);
  });
});

const squeeze = (line: string) => line.replace(/\s+/g, ' ');
