import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allFaults } from '../all.js';
import type { Fault, FaultResult } from '../fault.js';
import { brokenPromises } from './judge.js';
import { merge, reliabilityPage } from './reliability.js';
import { type Row, rowOf } from './row.js';

const fault = (name: string): Fault => ({
  name,
  about: `About ${name}`,
  layer: 'relay',
  servers: ['embedded'],
  run: () => Promise.resolve([]),
});

const kept: FaultResult = {
  variant: 'both ways',
  boundMs: 2500,
  detectedAfterMs: [1200, 300, 2400],
  deathsExpected: 3,
  falseDeaths: 0,
  chances: 3,
  callsLost: 0,
};

const run = {
  size: 'scaled',
  date: '2026-01-01T00:00:00Z',
  commit: 'abc',
  node: 'v20',
  machine: 'm',
} as const;

const row = (name: string, variant: string, server: Row['server'] = 'embedded'): Row => ({
  ...rowOf(fault(name), server, kept, run),
  variant,
});

describe('the judge', () => {
  it('has no objection to a result that keeps every promise', () => {
    assert.deepEqual(brokenPromises(kept), []);
  });

  const breaches: [string, Partial<FaultResult>, RegExp][] = [
    ['a death that was not found', { detectedAfterMs: [300, 400] }, /1 of 3 deaths were not found/],
    [
      'a death found after the bound',
      { detectedAfterMs: [1, 2, 2501] },
      /after 2501 ms, promised within 2500/,
    ],
    ['a false death', { falseDeaths: 2 }, /2 false deaths in 3 chances/],
    ['a lost call', { callsLost: 1 }, /1 calls were lost/],
    ['a machine that was too busy', { tooBusy: 'late peers' }, /too busy for this run: late peers/],
    ['a problem that the fault itself found', { broken: ['it leaks'] }, /it leaks/],
  ];
  for (const [what, change, expected] of breaches) {
    it(`has one objection to a result with ${what}`, () => {
      const broken = brokenPromises({ ...kept, ...change });
      assert.equal(broken.length, 1);
      assert.match(broken[0] as string, expected);
    });
  }
});

describe('the reliability table', () => {
  it('has the median and the latest time of detection', () => {
    const { medianMs, maxMs, deathsDetected } = row('drop', 'both ways');
    assert.deepEqual([medianMs, maxMs, deathsDetected], [1200, 2400, 3]);
  });

  it('replaces only the rows of the faults and servers that ran again', () => {
    const earlier = [row('a', 'old'), row('a', 'old', 'zeo-6.2'), row('b', 'old'), row('gone', 'old')];
    const merged = merge(earlier, [row('a', 'new'), row('a', 'new too')], ['b', 'a']);
    assert.deepEqual(
      merged.map(({ fault, server, variant }) => `${fault} ${server} ${variant}`),
      ['b embedded old', 'a zeo-6.2 old', 'a embedded new', 'a embedded new too'],
    );
  });

  it('shows broken promises and the machine of the run', () => {
    const page = reliabilityPage([{ ...row('drop', 'both ways'), broken: ['too late'] }]);
    assert.match(
      page,
      /\| both ways \| embedded \| 2\.50 s \| 1\.20 s \| 2\.40 s \| 3 of 3 \|.*\*\*too late\*\*/,
    );
    assert.match(page, /scaled \| 2026-01-01T00:00:00Z \| abc \| v20 \| m \| drop/);
  });
});

describe('the list of faults', () => {
  it('has unique names and at least one server for each', () => {
    const names = allFaults.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const { name, servers } of allFaults) assert.ok(servers.length > 0, name);
  });
});
