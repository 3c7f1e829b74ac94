import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Schedule } from '#src/loop/schedule.js';

const periodMs = 10_000;
const concurrency = 128;

/** Runs the schedule for `ms`, waking whenever it is due, and returns which targets were pinged when. */
function run(schedule: Schedule, fromMs: number, ms: number): { atMs: number; ids: number[] }[] {
  const sweeps: { atMs: number; ids: number[] }[] = [];
  for (
    let dueMs = schedule.nextDueMs;
    dueMs !== undefined && dueMs <= fromMs + ms;
    dueMs = schedule.nextDueMs
  ) {
    sweeps.push({ atMs: dueMs, ids: schedule.take(dueMs) });
  }
  return sweeps;
}

const range = (count: number) => Array.from({ length: count }, (_, id) => id);

describe('The schedule', () => {
  it('has no time at which it is due without targets', () => {
    assert.equal(
      new Schedule({ periodMs, jitter: 0, concurrency, random: Math.random }).nextDueMs,
      undefined,
    );
  });

  it('spreads four thousand targets over the period, without bursts', () => {
    const schedule = new Schedule({ periodMs, jitter: 0, concurrency, random: Math.random });
    schedule.update(range(4000), 0);
    const sweeps = run(schedule, 0, periodMs);
    assert.equal(new Set(sweeps.flatMap(({ ids }) => ids)).size, 4000);
    for (const { ids } of sweeps) assert.ok(ids.length <= 512, `${ids.length} in one sweep`);
    // Each eighth of the period has one slice.
    const shares = sweeps.map(({ atMs }) => Math.floor((8 * atMs) / periodMs));
    assert.deepEqual([...new Set(shares)].length, 8);
  });

  it('limits a slice to what four rounds of `concurrency` pings hold', () => {
    for (const [concurrency, largest] of [
      [1, 4],
      [20, 80],
      [1000, 512],
    ] as const) {
      const schedule = new Schedule({ periodMs, jitter: 0, concurrency, random: Math.random });
      schedule.update(range(4 * 512), 0);
      const sizes = run(schedule, 0, periodMs).map(({ ids }) => ids.length);
      assert.ok(Math.max(...sizes) <= largest && Math.max(...sizes) > largest / 2, `${Math.max(...sizes)}`);
    }
  });

  it('pings every target once a period or more, whatever is added or removed', () => {
    const change = fc.record({
      waitMs: fc.integer({ min: 0, max: periodMs }),
      lateMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3 * periodMs })),
      members: fc.uniqueArray(fc.integer({ min: 0, max: 300 }), { maxLength: 300 }),
    });
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 12 }),
        fc.float({ min: 0, max: 1, noNaN: true }),
        (changes, jitter) => {
          const schedule = new Schedule({ periodMs, jitter, concurrency, random: Math.random });
          const lastMs = new Map<number, number>();
          let nowMs = 0;
          const take = () => {
            for (const id of schedule.take(nowMs)) {
              assert.ok(lastMs.has(id), `${id} is not there`);
              lastMs.set(id, nowMs);
            }
          };
          const runUntil = (untilMs: number) => {
            for (
              let dueMs = schedule.nextDueMs;
              dueMs !== undefined && dueMs <= untilMs;
              dueMs = schedule.nextDueMs
            ) {
              nowMs = Math.max(nowMs, dueMs);
              take();
              for (const [id, at] of lastMs)
                assert.ok(nowMs - at <= periodMs + 1e-6, `${id} waits since ${at}`);
            }
            nowMs = Math.max(nowMs, untilMs);
          };
          for (const { waitMs, lateMs, members } of [
            ...changes,
            { waitMs: 3 * periodMs, lateMs: 0, members: [] },
          ]) {
            runUntil(nowMs + waitMs);
            if (lateMs > 0) {
              // No timer fired for `lateMs`; what was due meanwhile is pinged now.
              nowMs += lateMs;
              take();
              for (const [id, at] of lastMs) if (nowMs - at > periodMs) assert.fail(`${id} was forgotten`);
            }
            if (members.length === 0) continue;
            const gone = [...lastMs.keys()].filter((id) => !members.includes(id));
            schedule.update(members, nowMs, gone);
            for (const id of lastMs.keys()) if (!members.includes(id)) lastMs.delete(id);
            for (const id of members) if (!lastMs.has(id)) lastMs.set(id, nowMs);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it('spreads targets again after a stall instead of pinging in bursts', () => {
    const schedule = new Schedule({ periodMs, jitter: 0, concurrency, random: Math.random });
    schedule.update(range(2560), 0);
    const lateMs = 50 * periodMs;
    assert.equal(schedule.take(lateMs).length, 2560);
    const sweeps = run(schedule, lateMs, periodMs);
    assert.ok(sweeps.length > 3, `${sweeps.length} sweeps`);
  });

  it('brings all slices forward to random moments within the given time', () => {
    const schedule = new Schedule({ periodMs, jitter: 0, concurrency, random: Math.random });
    schedule.update(range(2560), 0);
    schedule.pingAllWithin(0, 200);
    const sweeps = run(schedule, 0, 200);
    assert.equal(sweeps.flatMap(({ ids }) => ids).length, 2560);
    assert.equal(new Set(sweeps.map(({ atMs }) => atMs)).size, 5);
  });

  it('is evenly spread again one period after it was brought forward', () => {
    const longMs = 30_000;
    const most = 512;
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 20_000 }),
        fc.oneof(fc.constant(0), fc.double({ min: 0, max: 0.5, noNaN: true })),
        fc.array(fc.integer({ min: 0, max: 2 * longMs }), { minLength: 1, maxLength: 4 }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
        (count, jitter, waitsMs, draws) => {
          const random = () => draws.next().value as number;
          const schedule = new Schedule({ periodMs: longMs, jitter, concurrency, random });
          schedule.update(range(count), 0);
          let nowMs = 0;
          for (const waitMs of waitsMs) {
            run(schedule, nowMs, waitMs);
            nowMs += waitMs;
            schedule.pingAllWithin(nowMs, 200);
          }
          assert.equal(new Set(run(schedule, nowMs, 200).flatMap(({ ids }) => ids)).size, count);
          // Without jitter they stay evenly spread; with it until the first slice is due again.
          const sweeps = run(schedule, nowMs + 200, (jitter === 0 ? 4 : 1 - jitter) * longMs - 200);
          // The period less the time in which all targets are pinged at once.
          const fair = Math.max(most, (2 * count * 1000) / (longMs - 200));
          for (const { atMs } of sweeps) {
            const second = sweeps.filter((other) => other.atMs >= atMs && other.atMs < atMs + 1000);
            const pings = second.reduce((sum, { ids }) => sum + ids.length, 0);
            assert.ok(
              pings <= fair,
              `${pings} of ${count} in the second from ${atMs - nowMs}, ${fair} are fair`,
            );
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('merges the few targets that are left of many into one slice', () => {
    const schedule = new Schedule({ periodMs, jitter: 0, concurrency, random: Math.random });
    schedule.update(range(2560), 0);
    const left = [0, 500, 1000, 1500, 2000, 2559];
    const gone = range(2560).filter((id) => !left.includes(id));
    schedule.update([], 0, gone);
    run(schedule, 0, 3 * periodMs);
    assert.equal(run(schedule, 3 * periodMs, periodMs).length, 1);
  });
});
