import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, relative, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

/**
 * The rooms, which are folders, and the rooms that each imports: exactly these, so a room that is no longer imported has to be
 * removed. A room imports only rooms that are below it. docs/architecture.md describes them, in the same order.
 */
const rooms: Readonly<Record<string, readonly string[]>> = {
  // index.ts and register.ts
  src: [
    'src/agent',
    'src/agent/ping',
    'src/model',
    'src/observability',
    'src/sockets',
    'src/tcp',
    'src/threads',
  ],
  'src/cli': [
    'src/agent',
    'src/cli/check',
    'src/cli/commands',
    'src/cli/io',
    'src/model',
    'src/zeo/connection',
    'src/zeo/server',
    'src/zeo/storage',
  ],
  'src/cli/commands': [
    'src/cli/check',
    'src/cli/guard-command',
    'src/cli/io',
    'src/cli/watch',
    'src/guard',
    'src/model',
  ],
  'src/cli/guard-command': [
    'src/agent',
    'src/cli/guard-status',
    'src/cli/io',
    'src/cli/watch',
    'src/guard',
    'src/model',
    'src/zconfig',
    'src/zeo/connection',
  ],
  'src/cli/guard-status': ['src/cli/io', 'src/cli/watch', 'src/guard', 'src/model', 'src/observability'],
  'src/cli/watch': [
    'src/agent',
    'src/agent/ping',
    'src/cli/io',
    'src/model',
    'src/observability',
    'src/tcp',
    'src/zeo/connection',
    'src/zeo/storage',
  ],
  'src/cli/check': [
    'src/async',
    'src/cli/io',
    'src/model',
    'src/zeo/connection',
    'src/zeo/protocol',
    'src/zeo/storage',
  ],
  'src/cli/io': ['src/model', 'src/zconfig', 'src/zeo/connection', 'src/zeo/storage'],
  'src/zconfig': ['src/model', 'src/zeo/connection'],
  'src/adapters': ['src/async', 'src/model', 'src/sockets', 'src/tcp'],
  'src/guard': [
    'src/agent',
    'src/async',
    'src/guard/tls',
    'src/model',
    'src/sockets',
    'src/tcp',
    'src/zeo/connection',
    'src/zeo/encoding',
    'src/zeo/protocol',
    'src/zeo/reconnect',
  ],
  'src/guard/tls': ['src/async', 'src/model', 'src/tcp', 'src/zeo/connection'],
  'src/zeo': [
    'src/async',
    'src/model',
    'src/zeo/connection',
    'src/zeo/encoding',
    'src/zeo/reconnect',
    'src/zeo/storage',
    'src/zodb',
  ],
  'src/zeo/server': [
    'src/async',
    'src/model',
    'src/python',
    'src/zeo/encoding',
    'src/zeo/memory-storage',
    'src/zeo/protocol',
    'src/zodb',
  ],
  'src/zeo/memory-storage': ['src/model', 'src/records', 'src/zeo/encoding', 'src/zodb'],
  'src/zeo/storage': [
    'src/async',
    'src/model',
    'src/records',
    'src/tcp',
    'src/zeo/connection',
    'src/zeo/encoding',
    'src/zeo/reconnect',
    'src/zodb',
  ],
  'src/zeo/reconnect': ['src/async', 'src/model', 'src/zeo/connection', 'src/zeo/encoding', 'src/zodb'],
  'src/zeo/connection': [
    'src/async',
    'src/model',
    'src/tcp',
    'src/zeo/encoding',
    'src/zeo/protocol',
    'src/zodb',
  ],
  'src/zeo/protocol': ['src/model', 'src/pickle', 'src/zeo/encoding', 'src/zodb'],
  'src/zeo/encoding': ['src/model', 'src/pickle', 'src/python'],
  workers: ['src/async', 'src/loop', 'src/model', 'src/tcp', 'src/threads'],
  'src/agent': [
    'src/agent/ping',
    'src/agent/report',
    'src/async',
    'src/model',
    'src/observability',
    'src/sockets',
    'src/tcp',
    'src/threads',
  ],
  'src/agent/report': [
    'src/agent/ping',
    'src/async',
    'src/model',
    'src/observability',
    'src/tcp',
    'src/threads',
  ],
  'src/agent/ping': ['src/async', 'src/model', 'src/tcp', 'src/threads'],
  'src/loop': ['src/async', 'src/model', 'src/tcp', 'src/threads'],
  'src/sockets': ['src/model', 'src/tcp', 'src/threads'],
  'src/threads': ['src/async', 'src/model', 'src/tcp'],
  'src/records': ['src/model', 'src/pickle', 'src/python', 'src/zodb'],
  'src/python': ['src/pickle'],
  'src/observability': ['src/async', 'src/model', 'src/tcp'],
  'src/async': ['src/model'],
  'src/pickle': ['src/model'],
  'src/zodb': ['src/model'],
  'src/model': ['src/tcp'],
  'src/tcp': [],
};

/** Every package, and the only files that import it: whoever wants to replace one knows what there is to do. */
const packages: Readonly<Record<string, readonly string[]>> = {
  '@opentelemetry/api': [
    'src/observability/instruments.ts',
    'src/observability/metric-attributes.ts',
    'src/observability/metrics.ts',
  ],
  comlink: ['src/threads/endpoint.ts'],
  commander: [
    'src/cli/command-line.ts',
    'src/cli/commands/argument-types.ts',
    'src/cli/commands/check-command.ts',
    'src/cli/commands/guard-command.ts',
    'src/cli/commands/target-arguments.ts',
    'src/cli/commands/watch-command.ts',
    'src/cli/program.ts',
  ],
  ioredis: ['src/cli/real-client.ts'],
  'lru-cache': ['src/zeo/storage/client-cache.ts'],
  'p-limit': ['src/agent/sweeper.ts'],
  pg: ['src/cli/real-client.ts'],
  pino: ['src/observability/pino-sink.ts'],
  piscina: ['src/threads/worker-thread.ts'],
  'prom-client': [
    'src/cli/guard-status/guard-metrics.ts',
    'src/cli/watch/agent-metrics.ts',
    'src/cli/watch/process-metrics.ts',
    'src/cli/watch/prometheus.ts',
  ],
  'string-width': ['src/cli/io/terminal-text.ts'],
};

/** The only files, or rooms, that touch what is outside of the process's memory, by the module of Node.js that they need. */
const touching: Readonly<Record<string, readonly string[]>> = {
  'node:fs': [
    'src/cli/io/early-signals.ts',
    'src/cli/guard-status/status-page.ts',
    'src/cli/real-client.ts',
    'src/guard/descriptor-reserve.ts',
    'src/observability/json-sink.ts',
    'src/observability/log.ts',
    'src/tcp/proc-net-tcp.ts',
    'src/threads/worker-file.ts',
    'src/zconfig/config-files.ts',
  ],
  'node:fs/promises': [
    'src/cli/io',
    'src/cli/watch/process-metrics.ts',
    'src/guard/listening-address.ts',
    'src/zconfig/config-files.ts',
    'src/zconfig/tls-files.ts',
  ],
  'node:http': [
    'src/agent/health-handler.ts',
    'src/cli/watch/metrics-server.ts',
    'src/observability/http-pages.ts',
  ],
  'node:net': [
    'src/adapters',
    'src/cli/io/listen-address.ts',
    'src/cli/severed-sockets.ts',
    'src/cli/watch/metrics-server.ts',
    'src/guard',
    'src/guard/tls',
    'src/model/received-value.ts',
    'src/sockets',
    'src/tcp/reset.ts',
    'src/tcp/socket-view.ts',
    'src/zeo/connection',
    'src/zeo/server',
  ],
  'node:tls': [
    'src/guard/tls',
    'src/tcp/socket-view.ts',
    'src/zconfig/tls-files.ts',
    'src/zeo/connection',
    'src/zeo/server',
  ],
  'node:worker_threads': ['src/register.ts', 'src/threads'],
};

// Tests run from dist/test; the sources are what the rules are about.
const root = fileURLToPath(new URL('../..', import.meta.url));

/** The page that describes the rooms. */
const page = readFileSync(resolve(root, 'docs/architecture.md'), 'utf8');

const sources = ['src', 'workers'].flatMap((folder) =>
  readdirSync(resolve(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`),
);

interface Import {
  /** Path of the importing file, e.g. `src/loop/schedule.ts`. */
  readonly from: string;
  /** Path of the imported file, or the package's name. */
  readonly to: string;
}

const imports: readonly Import[] = sources.flatMap((from) => {
  const text = readFileSync(resolve(root, from), 'utf8');
  const statements = text.matchAll(
    /^(?:import|export)\s[^;]*?from '([^']+)'|\b(?:import|getBuiltinModule)\('([^']+)'\)/gms,
  );
  return [...statements].map(([, name, dynamic]) => {
    const target = (name ?? dynamic) as string;
    if (!target.startsWith('.')) return { from, to: target };
    const file = relative(root, resolve(root, dirname(from), target)).replaceAll('\\', '/');
    return { from, to: file.replace(/\.js$/, '.ts') };
  });
});

const unique = (values: readonly string[]) => [...new Set(values)].sort();
const isSource = (name: string) => name.startsWith('src/') || name.startsWith('workers/');
const isPackage = (name: string) => !isSource(name) && !name.startsWith('node:');

describe('The rooms of the source', () => {
  it('are the ones in the table', () => {
    assert.deepEqual(unique(sources.map(dirname)), unique(Object.keys(rooms)));
  });

  for (const [room, allowed] of Object.entries(rooms)) {
    it(`let ${room} import what the table says`, () => {
      const out = imports.filter(
        ({ from, to }) => dirname(from) === room && isSource(to) && dirname(to) !== room,
      );
      const offending = out.filter(({ to }) => !allowed.includes(dirname(to)));
      assert.deepEqual(
        offending.map(({ from, to }) => `${from} -> ${to}`),
        [],
      );
      assert.deepEqual(
        unique(out.map(({ to }) => dirname(to))),
        unique(allowed),
        'an arrow that is not there any more',
      );
    });
  }

  const importsUp = (indexOf: (room: string) => number) =>
    Object.entries(rooms).flatMap(([room, allowed]) =>
      allowed.filter((to) => indexOf(to) <= indexOf(room)).map((to) => `${room} -> ${to}`),
    );

  it('import only rooms that are below them in the table', () => {
    const order = Object.keys(rooms);
    assert.deepEqual(
      importsUp((room) => order.indexOf(room)),
      [],
    );
  });

  it('import only rooms that are below them in the picture', () => {
    const [, picture = ''] = /^```\n(.*?)^```$/ms.exec(page) ?? [];
    const lineOf = new Map<string, number>();
    for (const [index, line] of picture.split('\n').entries())
      for (const [, name] of line.matchAll(/(?<![\w/-])([\w-]+)\//g)) lineOf.set(name as string, index);
    assert.deepEqual(unique([...lineOf.keys()]), unique(Object.keys(rooms).map((room) => basename(room))));
    assert.deepEqual(
      importsUp((room) => lineOf.get(basename(room)) as number),
      [],
    );
  });

  it('are described in the order of the table', () => {
    const [, table = ''] = /^\| room \|.*?\n\| --- .*?\n(.*?)\n\n/ms.exec(page) ?? [];
    const described = table
      .split('\n')
      .flatMap((row) => Array.from((row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g), ([, room]) => room));
    assert.deepEqual(described, Object.keys(rooms));
  });

  it('hold at most twenty files each', () => {
    const crowded = Object.keys(rooms).filter(
      (room) => sources.filter((file) => dirname(file) === room).length > 20,
    );
    assert.deepEqual(crowded, []);
  });

  it('have no circle of files', () => {
    const targets = new Map<string, string[]>();
    for (const { from, to } of imports) targets.set(from, [...(targets.get(from) ?? []), to]);
    const done = new Set<string>();
    const visit = (file: string, path: readonly string[]): void => {
      assert.ok(!path.includes(file), `a circle: ${[...path, file].join(' -> ')}`);
      if (done.has(file)) return;
      for (const target of targets.get(file) ?? []) visit(target, [...path, file]);
      done.add(file);
    };
    for (const file of targets.keys()) visit(file, []);
  });
});

describe('The rooms of the tests', () => {
  it('hold at most twenty files each', () => {
    const files = readdirSync(resolve(root, 'test'), { recursive: true, withFileTypes: true }).filter(
      (entry) => entry.isFile(),
    );
    const counts = new Map<string, number>();
    for (const { parentPath } of files) counts.set(parentPath, (counts.get(parentPath) ?? 0) + 1);
    assert.ok(counts.size > 20, 'Few folders were found');
    const crowded = [...counts].filter(([, count]) => count > 20).map(([folder]) => relative(root, folder));
    assert.deepEqual(crowded, []);
  });
});

describe('The names in the source', () => {
  /** Names that stand for two things, each with the reason. */
  const exceptions: Readonly<Record<string, string>> = {
    'index.ts': 'what a folder exports',
  };

  const namedTwice = (places: Iterable<readonly [name: string, file: string]>) => {
    const files = new Map<string, Set<string>>();
    for (const [name, file] of places) files.set(name, (files.get(name) ?? new Set()).add(file));
    return [...files].filter(([, { size }]) => size > 1).map(([name, where]) => [name, ...where]);
  };

  it('stand for one thing each, if they are exported', () => {
    const declaration =
      /^export (?:(?:abstract|async|declare) )*(?:class|const|function|interface|let|type)\*? (\w+)/gm;
    const exported = sources.flatMap((file) => {
      const text = readFileSync(resolve(root, file), 'utf8');
      return Array.from(text.matchAll(declaration), ([, name]) => [name as string, file] as const);
    });
    assert.ok(exported.length > 300, 'not many exports were found');
    assert.deepEqual(namedTwice(exported), []);
  });

  it('stand for one file each', () => {
    const twice = namedTwice(sources.map((file) => [basename(file), file] as const));
    assert.deepEqual(
      twice.filter(([name = '']) => !Object.hasOwn(exceptions, name)),
      [],
    );
    assert.deepEqual(
      unique(twice.map(([name = '']) => name)),
      unique(Object.keys(exceptions)),
      'not needed any more',
    );
  });
});

describe('What is outside of the source', () => {
  const importersOf = (name: string) =>
    unique(imports.filter(({ to }) => to === name).map(({ from }) => from));

  it('is a package that the table has, imported where it says', () => {
    const names = unique(imports.map(({ to }) => to).filter(isPackage));
    assert.deepEqual(Object.fromEntries(names.map((name) => [name, importersOf(name)])), packages);
  });

  for (const [name, allowed] of Object.entries(touching)) {
    it(`is touched through ${name} only where the table says`, () => {
      const importers = importersOf(name);
      const places = importers.map((file) => (allowed.includes(dirname(file)) ? dirname(file) : file));
      assert.deepEqual(unique(places), unique(allowed));
    });
  }
});
