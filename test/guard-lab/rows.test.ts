import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exampleRun as run } from '../faults/report/example-run.js';
import type { Phase } from './detection.js';
import type { HerdOutcome } from './herd.js';
import { detectionRows, detectionTable, guardTopics, herdRow, survivalRow } from './rows.js';

const phase = (changes: Partial<Phase>): Phase => ({
  loss: 'path dropped',
  way: 'guard',
  version: '6.2',
  failedMs: 1500,
  error: 'ClientDisconnected',
  answeredMs: 1600,
  ...changes,
});
const hung = { failedMs: undefined, error: undefined, answeredMs: undefined };

describe('The rows of the guard lab', () => {
  it('object to a load behind guard that hangs, and to no other', () => {
    const phases = [phase({}), phase(hung), phase({ way: 'direct', ...hung })];
    const [guard, direct] = detectionRows(phases, '6.2', run);
    assert.deepEqual(guard?.broken, [
      '1 of 2 deaths were not found',
      '1 calls were lost',
      '1 clients were not served again',
    ]);
    assert.deepEqual(direct?.broken, []);
  });

  it('object to a load that fails after the bound', () => {
    const [row] = detectionRows([phase({ failedMs: 3100 })], '6.2', run);
    assert.deepEqual(row?.broken, ['found after 3100 ms, promised within 3000 ms']);
  });

  it('are a table of losses and ways, with the number of clients', () => {
    const table = detectionTable([phase({}), phase({ way: 'direct', ...hung })]);
    assert.match(
      table,
      /^\| path dropped \| 1\.50, at most 1\.50 s \/ 1\.60, .* \(1\) \| not within 15 s \(1\) \|$/m,
    );
  });

  it('object to a healthy client that is reset, where that is promised', () => {
    const outcome = {
      peers: 2,
      chances: 4,
      deaths: 0,
      lost: 1,
      calls: 0,
      failedCalls: 0,
      stillWatched: true,
    };
    const row = (isPromised: boolean) => survivalRow(guardTopics.loss, '1 %', outcome, run, isPromised);
    assert.deepEqual(row(true).broken, ['1 false deaths in 4 chances']);
    assert.deepEqual(row(false).broken, []);
  });

  it('object to a thousand clients of whom too many connect in one second', () => {
    const outcome = (everyMs: number): HerdOutcome => {
      const backMs = Array.from({ length: 1000 }, (_, index) => 2000 + index * everyMs);
      const herd = { count: 1000, times: { period: 1, timeout: 1 }, server: 'embedded' } as const;
      const lostMs = backMs.map(() => 1900);
      return { ...herd, loss: 'server stopped', lostMs, greetedMs: backMs, servedMs: backMs, turnedAway: 0 };
    };
    assert.deepEqual(herdRow(outcome(7), run).broken, []);
    assert.deepEqual(herdRow(outcome(4), run).broken, ['250 of 1000 connected in one second']);
  });
});
