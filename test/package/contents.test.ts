import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { root, tarball } from './clean-project.js';

const unpacked = mkdtempSync(path.join(tmpdir(), 'zeo-keepalive-contents-'));
after(() => rmSync(unpacked, { recursive: true }));
execFileSync('tar', ['-xzf', tarball(), '-C', unpacked, '--strip-components=1']);

const filesOf = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
const read = (file: string) => readFileSync(path.join(unpacked, file), 'utf8');
const files = filesOf(unpacked);

const manifest = JSON.parse(read('package.json'));

/** The declarations that the exports lead to: no others would be of use to anybody. */
function reachedDeclarations(): ReadonlySet<string> {
  const reached = new Set<string>();
  const visit = (file: string): void => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const [, target] of read(file).matchAll(/(?:\bfrom |\bimport |\bimport\()'(\.[^']*)\.js'/g))
      visit(path.join(path.dirname(file), `${target}.d.ts`));
  };
  const entries: readonly { types?: string }[] = Object.values(manifest.exports);
  for (const { types } of entries) if (types !== undefined) visit(path.normalize(types));
  return reached;
}

const size = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

describe('the packed package', () => {
  it('holds exactly the sources, their build, declarations that exports reach, the docs and examples', () => {
    const sources = ['src', 'workers'].flatMap((folder) =>
      filesOf(path.join(root, folder)).map((file) => path.join(folder, file)),
    );
    const built = sources
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) => ['.js', '.js.map'].map((ending) => `dist/${file.slice(0, -3)}${ending}`));
    const texts = ['CHANGELOG', 'CONTRIBUTING', 'README', 'SECURITY'].map((name) => `${name}.md`);
    const documents = [...texts, 'LICENSE', 'package.json'];
    const declarations = [...reachedDeclarations()].flatMap((file) => [file, `${file}.map`]);
    // The README links them. The API reference is left out: the declarations say the same.
    const linked = ['docs', 'examples']
      .flatMap((folder) => filesOf(path.join(root, folder)).map((file) => path.join(folder, file)))
      .filter(
        (file) =>
          /^docs\/[^/]+\.md$|\.svg$|^examples\/.*\.js$/.test(file) && !file.endsWith('typedoc-front.md'),
      );
    assert.deepEqual(
      files.toSorted(),
      [...documents, ...linked, ...sources, ...built, ...declarations].toSorted(),
    );
  });

  it('is the same, byte for byte, as what the other tests run', () => {
    for (const file of files.filter((name) => name.startsWith('dist/')))
      assert.equal(read(file), readFileSync(path.join(root, file), 'utf8'), file);
  });

  it('has the sources that its maps name', () => {
    for (const file of files.filter((name) => name.endsWith('.map'))) {
      const { sources, sourceRoot } = JSON.parse(read(file));
      const [source] = sources.map((name: string) => path.join(path.dirname(file), sourceRoot, name));
      assert.equal(source, file.replace(/^dist\//, '').replace(/(\.js|\.d\.ts)\.map$/, '.ts'));
      assert.equal(read(source), readFileSync(path.join(root, source), 'utf8'), file);
    }
  });

  it('has doc comments in the declarations, and none in the code beside its maps', () => {
    const [declared, code] = ['d.ts', 'js'].map((type) => read(`dist/src/agent/keep-alive.${type}`));
    assert.match(declared as string, /^\/\*\*/m);
    assert.doesNotMatch(code as string, /^\s*\/\*\*/m);
  });

  it('has declarations that TypeScript before 5.7 can read', () => {
    for (const file of files.filter((name) => name.endsWith('.d.ts')))
      assert.doesNotMatch(read(file), /\b(?:\w+Array|DataView|Buffer)<ArrayBuffer/, file);
  });

  it('imports the packages that it declares and no others', () => {
    const imported = new Set<string>();
    for (const file of files.filter((name) => /\.(js|d\.ts)$/.test(name))) {
      // Type imports may also occur in the middle of a line.
      for (const [, name] of read(file).matchAll(
        /(?:\bfrom |\bimport |\b(?:import|createRequire\((?:filename|import\.meta\.url)\))\()'([^'.][^']*)'/g,
      )) {
        // Of `mysql2/promise`, the package.
        const [, from = ''] = /^((?:@[^/]+\/)?[^/]+)/.exec(name as string) ?? [];
        if (from !== manifest.name && !from.startsWith('node:')) imported.add(from);
      }
    }
    const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
    // An adapter works on what it is given. Those of the demonstration are imported as well.
    const adapterOf = (name: string) => (name === '@nats-io/transport-node' ? './nats' : `./${name}`);
    const needed = declared.filter(
      (name) => imported.has(name) || manifest.exports[adapterOf(name)] === undefined,
    );
    assert.deepEqual([...imported].toSorted(), needed.toSorted());
  });

  it('contains no path of the machine it was built on', () => {
    for (const file of files) assert.ok(!read(file).includes(root), file);
  });

  it('has a command with a line that names its interpreter', () => {
    const [file] = Object.values(manifest.bin as Record<string, string>);
    assert.match(read(file as string), /^#!\/usr\/bin\/env node\n/);
  });

  it('is smaller than 1 MB packed and 4 MB unpacked', () => {
    const packed = statSync(tarball()).size;
    assert.ok(packed < 1e6, size(packed));
    const all = files.reduce((sum, file) => sum + statSync(path.join(unpacked, file)).size, 0);
    assert.ok(all < 4e6, size(all));
  });
});
