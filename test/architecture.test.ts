import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

// Tests run from dist/test; the sources are what the rules are about.
const root = fileURLToPath(new URL('../..', import.meta.url));

interface Import {
  /** Path of the importing file, e.g. `src/loop/pacing.ts`. */
  readonly from: string;
  /** Path of the imported file, or the package's name. */
  readonly to: string;
}

const sources = ['src', 'workers'].flatMap((folder) =>
  readdirSync(resolve(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${folder}/${file}`),
);

const imports: Import[] = sources.flatMap((from) =>
  [...readFileSync(resolve(root, from), 'utf8').matchAll(/^(?:import|export)\s[^;]*?from '([^']+)';/gms)].map(
    ([, target]) => {
      const name = target as string;
      const to = name.startsWith('.')
        ? relative(root, resolve(root, dirname(from), name)).replace(/\.js$/, '.ts')
        : name;
      return { from, to };
    },
  ),
);

const offenders = (inside: RegExp, allowed: RegExp) =>
  imports
    .filter(({ from, to }) => inside.test(from) && !allowed.test(to))
    .map(({ from, to }) => `${from} -> ${to}`);

const importersOf = (name: string) => [
  ...new Set(imports.filter(({ to }) => to === name).map(({ from }) => from)),
];

describe('the structure', () => {
  it('is read as it is', () => {
    assert.ok(
      imports.some(({ from, to }) => from === 'src/loop/ping-loop.ts' && to === 'src/loop/pacing.ts'),
    );
  });

  it('keeps the loop free of threads, sockets, locks and ZEO', () => {
    assert.deepEqual(
      offenders(/^src\/loop\//, /^src\/(loop\/|(clock|diagnosis)\.ts|rpc\/(board|contract)\.ts)/),
      [],
    );
  });

  it('keeps the ZEO protocol free of I/O, clocks and threads', () => {
    assert.deepEqual(
      offenders(
        /^src\/zeo\/protocol\//,
        /^(src\/(zeo\/protocol\/|(zodb-)?errors\.ts|python\/)|@msgpack\/msgpack$)/,
      ),
      [],
    );
  });

  it('keeps what stands for Python’s objects free of everything else', () => {
    assert.deepEqual(offenders(/^src\/python\//, /^src\/python\//), []);
  });

  it('builds the decoder of records on the parts of the protocol, and on nothing that does I/O', () => {
    assert.deepEqual(
      offenders(
        /^src\/records\//,
        /^src\/(records\/|python\/|errors\.ts|zeo\/(ids|received-value)\.ts|zeo\/protocol\/(pickle-|raw-unicode|text|limits))|^node:buffer$/,
      ),
      [],
    );
  });

  it('lets the agent know storages by their interface only', () => {
    assert.deepEqual(
      imports.filter(({ from, to }) => /^src\/(agent|loop|rpc)\//.test(from) && to.startsWith('src/zeo/')),
      [],
    );
  });

  it('lets what tells of the agent know nothing of it but the facts', () => {
    assert.deepEqual(
      imports.filter(({ from, to }) => from.startsWith('src/observability/') && to.startsWith('src/agent/')),
      [],
    );
  });

  it('needs OpenTelemetry for metrics only', () => {
    const importers = [...importersOf('src/metrics.ts'), ...importersOf('src/observability/instruments.ts')];
    assert.deepEqual(importers, ['src/metrics.ts']);
  });

  it('lets the ZEO client know nothing of the agent', () => {
    assert.deepEqual(
      imports.filter(({ from, to }) => from.startsWith('src/zeo/') && /^src\/(agent|loop|rpc)\//.test(to)),
      [],
    );
  });

  it('keeps the syntax of configurations free of I/O and of what is in them', () => {
    const syntax = '(config-error|definitions|document|expand|limits|parser|whitespace).ts';
    assert.deepEqual(
      offenders(new RegExp(`^src/zconfig/${syntax}`), new RegExp(`^src/(zconfig/${syntax}|errors.ts)`)),
      [],
    );
  });

  it('has one place where configurations meet files, and lets them know little of the client', () => {
    const readers = imports.filter(
      ({ from, to }) => from.startsWith('src/zconfig/') && to.startsWith('node:fs'),
    );
    assert.deepEqual([...new Set(readers.map(({ from }) => from))], ['src/zconfig/config-files.ts']);
    assert.deepEqual(
      offenders(
        /^src\/zconfig\//,
        /^(node:|src\/(zconfig\/|errors\.ts|zeo\/(address|options|received-value)\.ts))/,
      ),
      [],
    );
  });

  it('lets nobody depend on the command line', () => {
    assert.deepEqual(
      imports.filter(({ from, to }) => !from.startsWith('src/cli/') && to.startsWith('src/cli/')),
      [],
    );
  });

  it('has one place for each library that shapes it', () => {
    assert.deepEqual(importersOf('comlink'), ['src/rpc/endpoint.ts']);
    assert.deepEqual(importersOf('piscina'), ['src/agent/worker-host.ts']);
    assert.deepEqual(importersOf('p-limit'), ['src/agent/sweeper.ts']);
    assert.deepEqual(importersOf('commander').sort(), ['src/cli/main.ts', 'src/cli/program.ts']);
    assert.deepEqual(importersOf('prom-client'), ['src/cli/watch/metrics.ts']);
    assert.deepEqual(importersOf('string-width'), ['src/cli/terminal-text.ts']);
    assert.deepEqual(importersOf('pino'), ['src/observability/pino-sink.ts']);
    assert.deepEqual(importersOf('@opentelemetry/api'), [
      'src/metrics.ts',
      'src/observability/instruments.ts',
    ]);
  });

  it('has no circles', () => {
    const targets = new Map<string, string[]>();
    for (const { from, to } of imports) targets.set(from, [...(targets.get(from) ?? []), to]);
    const done = new Set<string>();
    const visit = (file: string, path: string[]): void => {
      assert.ok(!path.includes(file), `a circle: ${[...path, file].join(' -> ')}`);
      if (done.has(file)) return;
      for (const target of targets.get(file) ?? []) visit(target, [...path, file]);
      done.add(file);
    };
    for (const file of targets.keys()) visit(file, []);
  });
});
