import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { root } from './clean-project.js';

interface Component {
  readonly purl: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses: readonly { readonly license?: { readonly id?: string } }[];
}

interface LockedPackage {
  readonly version: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
}

const read = (file: string) => JSON.parse(readFileSync(path.join(root, file), 'utf8'));

/**
 * Lists the versions in the lock file, for a manifest without development dependencies: `--omit dev` would also leave out
 * packages that a development and a run-time dependency share.
 */
function makeBill(): string {
  const temporary = mkdtempSync(path.join(tmpdir(), 'zeo-keepalive-bill-'));
  // The bill contains the name of the folder.
  const folder = path.join(temporary, 'zeo-keepalive');
  const npm = (...args: readonly string[]) =>
    execFileSync('npm', [...args, '--package-lock-only', '--loglevel=error'], {
      cwd: folder,
      encoding: 'utf8',
    });
  try {
    mkdirSync(folder);
    const { devDependencies, scripts, ...manifest } = read('package.json');
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest));
    copyFileSync(path.join(root, 'package-lock.json'), path.join(folder, 'package-lock.json'));
    npm('install', '--prefer-offline', '--no-audit', '--no-fund');
    return npm('sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'library');
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

/** Licences that require no more than attribution. */
const permissive = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'ISC', 'MIT'];

describe('the bill of materials', () => {
  const text = makeBill();
  writeFileSync(path.join(root, 'dist/sbom.cdx.json'), text);
  const bill = JSON.parse(text);
  const components: readonly Component[] = bill.components;

  it('is a CycloneDX document about this package', () => {
    const { name, version } = read('package.json');
    assert.equal(bill.bomFormat, 'CycloneDX');
    assert.equal(bill.metadata.component.purl, `pkg:npm/${name}@${version}`);
  });

  it('lists exactly the run-time packages of the lock file', () => {
    const packages: Readonly<Record<string, LockedPackage>> = read('package-lock.json').packages;
    const locked = Object.entries(packages)
      .filter(([folder, { dev, devOptional }]) => folder !== '' && !dev && !devOptional)
      .map(([folder, { version }]) => `pkg:npm/${folder.replace(/^.*node_modules\//, '')}@${version}`);
    const billed = components.map(({ purl }) => purl.replace('%40', '@'));
    assert.deepEqual(billed.toSorted(), locked.toSorted());
  });

  it('has a checksum and a permissive licence for each package', () => {
    for (const { purl, hashes = [], licenses } of components) {
      assert.ok(
        hashes.some(({ alg }) => alg === 'SHA-512'),
        purl,
      );
      const ids = licenses.map(({ license }) => license?.id);
      assert.ok(ids.length > 0 && ids.every((id) => permissive.includes(id ?? '')), `${purl}: ${ids}`);
    }
  });
});
