import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FalseDrops } from '../../socket-lab/false-drops.js';
import { dropRows, falseDropsRow, socketTopics } from '../../socket-lab/rows.js';
import type { Drop } from '../../socket-lab/silent-drop.js';
import { allFaults } from '../all.js';
import type { Fault, FaultResult } from '../fault.js';
import { exampleRun as run } from './example-run.js';
import { brokenPromises, excuse } from './judge.js';
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
    ['a problem that the fault itself found', { broken: ['it leaks'] }, /it leaks/],
    ['a time that the fault itself found missed', { missed: ['a herd'] }, /a herd/],
  ];
  for (const [what, change, expected] of breaches) {
    it(`has one objection to a result with ${what}`, () => {
      const broken = brokenPromises({ ...kept, ...change });
      assert.equal(broken.length, 1);
      assert.match(broken[0] as string, expected);
    });
  }
});

describe('the excuse of a run', () => {
  const tooBusy = 'its peers were late';

  it('is a machine that was too busy to keep the promises', () => {
    assert.match(excuse({ ...kept, falseDeaths: 1, tooBusy }) ?? '', /^the machine was too busy: its peers/);
  });

  it('is not needed by promises that were kept on a busy machine', () => {
    assert.equal(excuse({ ...kept, tooBusy }), undefined);
  });

  it('is not given to promises that have nothing to do with time', () => {
    for (const change of [{ callsLost: 1 }, { deathsExpected: 4 }, { broken: ['it leaks'] }]) {
      assert.equal(excuse({ ...kept, falseDeaths: 1, ...change, tooBusy }), undefined);
    }
  });

  it('is not given to promises that broke on an idle machine', () => {
    assert.equal(excuse({ ...kept, falseDeaths: 1 }), undefined);
  });
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

  it('begins with a row for each fault: the closest promise, sums, and the best without the agent', () => {
    const peer = { boundMs: undefined, deathsExpected: 0, chances: 0 };
    const page = reliabilityPage([
      { ...row('drop', 'P 1 s'), maxMs: 1900 },
      { ...row('drop', 'P 10 s'), boundMs: 13_000, maxMs: 11_000, falseDeaths: 1 },
      { ...row('drop', 'alone', 'slow client'), ...peer, maxMs: 9000 },
      { ...row('drop', 'alone', 'quick client'), ...peer, maxMs: 4000 },
      { ...row('drop', 'alone', 'deaf client'), ...peer, maxMs: undefined },
      { ...row('stall', 'SIGSTOP'), boundMs: undefined, maxMs: undefined, deathsExpected: 0 },
    ]);
    const [overview = ''] = page.split('## ');
    const lines = overview.split('\n').filter((line) => line.startsWith('| ['));
    assert.deepEqual(lines, [
      '| [About drop](#about-drop-drop) | 13.00 s | 11.00 s | 6 of 6 | 1 of 6 | 0 | 4.00 s (quick client) |',
      '| [About stall](#about-stall-stall) |  |  |  | 0 of 3 | 0 |  |',
    ]);
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

describe('the rows of the socket lab', () => {
  const drop = (state: Drop['state'], foundMs: number | undefined, backMs?: number): Drop => ({
    name: 'pg Pool',
    state,
    foundMs,
    stalledMs: 100,
    heardMs: foundMs && foundMs + 3,
    heardBy: 'ERR_KEEPALIVE_TIMEOUT',
    message: '',
    backMs,
  });
  const bounds = { idleMs: 3000, inFlightMs: 2000 };
  const survived = {
    sockets: 10,
    chances: 500,
    dropped: 0,
    verdicts: [],
    lost: 0,
    calls: 250,
    failedCalls: 0,
    stillWatches: true,
  };

  it('have the bound of each state, in time in which the main loop ran', () => {
    const rows = dropRows(
      [drop('idle', 3100, 5), drop('in flight', 2101, 5), drop('idle', 900, 5)],
      bounds,
      run,
    );
    assert.deepEqual(
      rows.map(({ server, variant, boundMs, maxMs, deathsDetected, broken }) => [
        server,
        variant,
        boundMs,
        maxMs,
        deathsDetected,
        broken,
      ]),
      [
        ['pg Pool', 'idle', 3000, 3000, 2, []],
        ['pg Pool', 'in flight', 2000, 2001, 1, ['found after 2001 ms, promised within 2000 ms']],
      ],
    );
  });

  it('object to a connection that was not found, or a pool that stays away', () => {
    const [row] = dropRows([drop('idle', undefined), drop('idle', 1000)], bounds, run);
    assert.deepEqual(row?.broken, [
      '1 of 2 deaths were not found',
      '1 calls were lost',
      '2 clients did not come back',
    ]);
  });

  it('object to a healthy connection that is dropped, where that is promised', () => {
    const topic = socketTopics.loss;
    const broken = (outcome: Partial<FalseDrops>, isPromised?: boolean) =>
      falseDropsRow(topic, '1 %', { ...survived, ...outcome }, run, isPromised).broken;
    assert.deepEqual(broken({}), []);
    assert.deepEqual(broken({ dropped: 2 }), ['2 false deaths in 500 chances']);
    assert.deepEqual(broken({ lost: 1, failedCalls: 3 }), ['1 connections were lost', '3 calls failed']);
    assert.deepEqual(broken({ dropped: 2, lost: 2, failedCalls: 1 }, false), []);
    assert.equal(broken({ stillWatches: false }, false).length, 1);
  });

  it('are a table of their own, which says which client it was', () => {
    const page = reliabilityPage([
      row('drop', 'both ways'),
      ...dropRows([drop('idle', 1100, 5)], bounds, run),
    ]);
    assert.match(page, /## Watched sockets of real clients/);
    assert.match(
      page,
      /\| variant \| client \|.*\n.*\n\| idle \| pg Pool \| 3\.00 s \| 1\.00 s \| 1\.00 s \| 1 of 1 \| {2}\|/,
    );
  });
});

describe('the list of faults', () => {
  it('has unique names and at least one server for each', () => {
    const names = [...allFaults, ...Object.values(socketTopics)].map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const { name, servers } of allFaults) assert.ok(servers.length > 0, name);
  });
});
