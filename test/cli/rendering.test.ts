import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { KeepAliveError } from 'zeo-keepalive';
import { Output } from '#src/cli/io/output.js';
import { paintFor } from '#src/cli/io/paint.js';
import { oneLine, truncate, truncateMiddle, wrap } from '#src/cli/io/terminal-text.js';
import { JsonLines } from '#src/cli/watch/lines.js';
import { render } from '#src/cli/watch/render.js';
import { type DisplayState, displayStates, type Row, type Snapshot } from '#src/cli/watch/snapshot.js';
import { sparkLine } from '#src/cli/watch/table.js';

const plain = paintFor(false, {});
const at = new Date(2026, 0, 2, 3, 4, 5);
const roundTrips = { lastMs: 0.42, p50Ms: 0.4, p99Ms: 12.34, recentMs: [0.4, 0.42, 12.34] };

function row(name: string, state: DisplayState, more: Partial<Row> = {}): Row {
  const trouble = undefined;
  return { name, server: undefined, state, since: at, pings: 1, failures: 0, roundTrips, trouble, ...more };
}

function snapshot(rows: readonly Row[], recent: Snapshot['recent'] = []): Snapshot {
  return { now: at, periodMs: 10_000, detectionBoundMs: 16_000, rows, recent };
}

const draw = (rows: readonly Row[], columns: number, height = 24) =>
  render(snapshot(rows), { columns, rows: height, paint: plain });

describe('the screen', () => {
  it('starts with a title, followed by a line for each storage', () => {
    assert.deepEqual(draw([row('main', 'alive', { server: 'zeo1:8100' })], 110), [
      'zeo-keepalive 03:04:05 · 1 storage: 1 alive · pinged every 10 s · silence is found within 16 s',
      '',
      'STORAGE  SERVER                    STATE    SINCE     ms NOW    P50    P99  LATELY',
      'main     zeo1:8100                 alive    03:04:05    0.42   0.40   12.3  ▁▁█',
    ]);
  });

  it('omits the server column if names are addresses', () => {
    assert.doesNotMatch(draw([row('zeo1:8100', 'alive', { server: 'zeo1:8100' })], 120).join('\n'), /SERVER/);
  });

  it('shows the worst storage first, with its trouble below it', () => {
    const trouble = { at, text: 'DEAD, silent for 1 s: the server process hangs', latest: 'refused' };
    const lines = draw([row('good', 'alive'), row('bad', 'dead', { trouble })], 60);
    assert.deepEqual(lines.slice(3), [
      'bad      dead     03:04:05           0.40   12.3',
      '  └ 03:04:05 DEAD, silent for 1 s: the server process hangs;',
      '    refused',
      'good     alive    03:04:05    0.42   0.40   12.3',
    ]);
  });

  it('shows the date with times that are not from today', () => {
    const now = new Date(2026, 0, 3, 0, 0, 1);
    const trouble = { at, text: 'refused' };
    const entry = { time: at, event: 'x', name: 'main', kind: 'note', text: 'so', fields: {} } as const;
    const lines = render(
      { ...snapshot([row('main', 'down', { trouble })], [entry]), now },
      { columns: 60, rows: 24, paint: plain },
    );
    assert.deepEqual(lines.slice(3), [
      'main     down     Jan 02             0.40   12.3',
      '  └ 2026-01-02 03:04:05 refused',
      '',
      '2026-01-02 03:04:05  main  so',
    ]);
  });

  it('drops past troubles, then healthy storages, if room is short', () => {
    const old = { at, text: 'lost', end: 'back after 3 s' };
    const many = Array.from({ length: 200 }, (_, index) => row(`s${index}`, 'alive', { trouble: old }));
    const lines = draw([...many, row('bad', 'down', { trouble: { at, text: 'refused' } })], 80, 10);
    assert.equal(lines.length, 10);
    assert.deepEqual(
      lines.slice(3).map((line) => line.split('  ')[0]),
      ['bad', '', 's0', 's1', 's2', 's3', '… and 196 more: 196 alive'],
    );
  });

  it('fits any terminal of 20 columns or more, whatever the texts', () => {
    const text = fc.string({ unit: 'binary', maxLength: 80 }).map(oneLine);
    const rows = fc.array(
      fc.record({
        name: text,
        server: fc.option(text, { nil: undefined }),
        text,
        state: fc.constantFrom(...displayStates),
      }),
      { minLength: 1, maxLength: 30 },
    );
    fc.assert(
      fc.property(
        rows,
        fc.integer({ min: 20, max: 200 }),
        fc.integer({ min: 4, max: 60 }),
        (given, columns, height) => {
          const all = given.map(({ name, server, text, state }) =>
            row(name, state, { server, trouble: { at, text } }),
          );
          const recent = given.map(({ name, text }) => ({
            ...{ time: at, event: 'x', kind: 'bad' as const, fields: {} },
            ...{ name, text },
          }));
          const lines = render(snapshot(all, recent), { columns, rows: height, paint: plain });
          assert.ok(lines.length <= height);
          for (const line of lines)
            assert.ok(stringWidth(line) <= columns, `${stringWidth(line)} of ${columns}: ${line}`);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('text for a terminal', () => {
  it('contains no character that controls a terminal', () => {
    assert.equal(oneLine('a\x1b[2J\u009b31m\u202ecod\r\nb\tc'), 'a�[2J�31m�cod b c');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        assert.doesNotMatch(oneLine(text), /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      }),
    );
  });

  it('is truncated and wrapped by columns, not by characters', () => {
    assert.equal(truncate('漢字漢字', 5), '漢字…');
    assert.equal(truncateMiddle('zeo-production-1.example.org', 11), 'zeo-p…e.org');
    assert.deepEqual(wrap('one two three four', 9, 2), ['one two', 'three fo…']);
  });
});

describe('a line of JSON', () => {
  it('has the fields of the entry and no control characters', async () => {
    const stream = new PassThrough();
    const lines = new JsonLines(new Output(stream as unknown as NodeJS.WriteStream));
    const error = new KeepAliveError('ERR_ZEO_SERVER', 'a\x1b[2J\u009b31m\u202ecod\u{e0001}');
    lines.show({
      time: at,
      event: 'pingFailed',
      name: 'main',
      kind: 'bad',
      text: '',
      fields: { error, ms: 1 / 3 },
    });
    const line = String(stream.read());
    assert.doesNotMatch(line.trimEnd(), /[\p{Cc}\p{Cf}]/u);
    assert.deepEqual(JSON.parse(line), {
      time: at.toISOString(),
      event: 'pingFailed',
      name: 'main',
      error: { code: 'ERR_ZEO_SERVER', message: error.message },
      ms: 0.333,
    });
  });
});

describe('the spark line', () => {
  it('is scaled from zero to the highest value', () => {
    assert.equal(sparkLine([1, 2, 4, 8], 8), '▁▂▄█');
    assert.equal(sparkLine([0, 0], 8), '▁▁');
    assert.equal(sparkLine([9, 9, 1, 8], 2), '▁█');
    assert.equal(sparkLine([], 8), '');
  });
});

describe('colours', () => {
  it('follow the terminal, NO_COLOR and FORCE_COLOR', () => {
    const isColoured = (isTerminal: boolean, env: NodeJS.ProcessEnv) =>
      paintFor(isTerminal, env)('good', 'x') !== 'x';
    assert.equal(isColoured(true, {}), true);
    assert.equal(isColoured(false, {}), false);
    assert.equal(isColoured(true, { NO_COLOR: '1' }), false);
    assert.equal(isColoured(true, { NO_COLOR: '' }), true);
    assert.equal(isColoured(true, { TERM: 'dumb' }), false);
    assert.equal(isColoured(false, { FORCE_COLOR: '1' }), true);
    assert.equal(isColoured(true, { FORCE_COLOR: '0' }), false);
  });
});
