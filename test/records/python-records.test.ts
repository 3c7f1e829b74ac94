import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { decodeRecord, referencesOf } from '#src/records/index.js';
import { findZeo, zeoVersions } from '../support/python/environments.js';
import { PythonProcess } from '../support/python/python-process.js';
import { Describer } from './describe.js';

/** A record as described by `record_zoo.py`. */
interface Specimen {
  readonly name: string;
  readonly record: string;
  readonly class: string;
  readonly newArgs: unknown;
  readonly state: unknown;
  readonly references: readonly string[];
  readonly content?: unknown;
}

for (const version of zeoVersions) {
  const { missing } = findZeo(version);
  describe(`records that Python wrote with the ZODB of ZEO ${version}`, { skip: missing }, () => {
    let specimens: Specimen[] = [];
    before(async () => {
      const { executable = '' } = findZeo(version);
      const python = new PythonProcess(executable, '../../records/record_zoo.py');
      specimens = (await python.nextLine()) as Specimen[];
      await python.finish();
    });

    const compare = (isMeant: (specimen: Specimen) => boolean, least: number) => {
      const meant = specimens.filter(isMeant);
      assert.ok(meant.length >= least, `only ${meant.length} records`);
      for (const specimen of meant) compareRecord(specimen);
    };

    it('are decoded in every pickle protocol, by every pickler', () => {
      compare(({ name }) => / protocol \d$/.test(name) && !/Python 2/.test(name), 800);
    });

    it('are decoded as Python 2 wrote them', () => {
      compare(({ name }) => /Python 2, protocol \d$/.test(name), 100);
    });

    it('are decoded with their references as a database stores them', () => {
      compare(({ name }) => name.startsWith('stored '), 500);
    });
  });
}

function compareRecord({ name, record, ...expected }: Specimen): void {
  const decoded = decodeRecord(Buffer.from(record, 'hex'));
  const kept = referencesOf(Buffer.from(record, 'hex')).map((oid) => Buffer.from(oid).toString('hex'));
  assert.deepEqual(kept, expected.references, name);
  const describer = new Describer();
  assert.equal(decoded.className, expected.class, name);
  assert.deepEqual(
    {
      newArgs: decoded.newArgs === undefined ? null : describer.list(decoded.newArgs),
      state: describer.describe(decoded.state),
      content: decoded.content === undefined ? null : new Describer().content(decoded.content),
      references: decoded.references
        .filter(({ weak, database }) => !weak && database === undefined)
        .map(({ oid }) => Buffer.from(oid).toString('hex')),
    },
    {
      newArgs: expected.newArgs,
      state: expected.state,
      content: expected.content ?? null,
      references: expected.references,
    },
    name,
  );
}
