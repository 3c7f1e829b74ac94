import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { decodeRecord, PythonDateTime, PythonTimeZone, ZopeDateTime } from '#src/records/index.js';
import { findZones, zoneSets } from '../support/python/environments.js';
import { PythonProcess } from '../support/python/python-process.js';

/** A record as described by `zones.py`. */
interface Specimen {
  readonly name: string;
  readonly record: string;
  /** The name of each zone, and the microseconds since 1970, `null` if the record does not hold the offset. */
  readonly moments: readonly (readonly [zone: string | null, micros: number | null])[];
}

for (const set of zoneSets) {
  const { missing, executable = '' } = findZones(set);
  describe(`moments that Python wrote with the packages of ${set}`, { skip: missing }, () => {
    let specimens: Specimen[] = [];
    before(async () => {
      const python = new PythonProcess(executable, '../../records/zones.py');
      specimens = (await python.nextLine()) as Specimen[];
      await python.finish();
    });

    const compare = (kind: RegExp, least: number) => {
      const meant = specimens.filter(({ name }) => kind.test(name));
      assert.ok(meant.length >= least, `only ${meant.length} records`);
      for (const specimen of meant) compareMoments(specimen);
    };

    it('have the offset of a zone of pytz where the record has it', () => compare(/^pytz /, 4000));
    it('have no offset in a zone of zoneinfo, but its name', () => compare(/^zoneinfo /, 2000));
    it('have the offset of a timezone of datetime', () => compare(/^timezone/, 100));
    it('have an offset of dateutil where it is fixed, and the name of its zone', () => {
      compare(/^(dateutil|tz(file|offset|utc|str|range|local)\b)/, 1000);
    });
    it('are those of a DateTime of Zope in every zone that it knows', () => compare(/^DateTime /, 5000));
  });
}

function compareMoments({ name, record, moments }: Specimen): void {
  const state = decodeRecord(Buffer.from(record, 'hex')).state as unknown[];
  const found = state.map((value) => {
    if (value instanceof ZopeDateTime) return [value.timezone, Number(value.microseconds)];
    assert.ok(value instanceof PythonDateTime, name);
    const { tzinfo } = value.time;
    const zone = tzinfo instanceof PythonTimeZone ? (tzinfo.name ?? null) : null;
    const moment = value.toDate()?.getTime();
    if (moment === undefined) assert.match(String(value), /\d\+\?\?:\?\?(\[.+\])?$/, name);
    return [zone, moment === undefined ? null : moment * 1000 + (value.time.microsecond % 1000)];
  });
  assert.deepEqual(found, moments, name);
}
