import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Schedule } from '#src/loop/schedule.js';

const periodMs = 1000;
/** Slices of four, so that a few dozen targets fill, empty and merge many slices. */
const concurrency = 1;
const sliceSize = 4;

/** The targets that are added and removed in one turn of the main loop, and how long nothing changes after that. */
const turn = fc.record({
  opened: fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 12 }),
  closed: fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 12 }),
  quietMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: periodMs })),
});

/** The schedule, with a model of it: which targets are present, and when each was last pinged or added. */
class Modelled {
  readonly schedule: Schedule;
  readonly lastMs = new Map<number, number>();
  nowMs = 0;

  constructor(random: () => number) {
    this.schedule = new Schedule({ periodMs, jitter: 0, concurrency, random });
  }

  /** An id in both was removed and added again: its slot is occupied. */
  change(opened: readonly number[], closed: readonly number[]): void {
    const present = [...new Set(opened)];
    const gone = [...new Set(closed)].filter((id) => !present.includes(id));
    this.schedule.update(present, this.nowMs, gone);
    for (const id of gone) this.lastMs.delete(id);
    // For a target that was added again, within a period from now would be enough.
    for (const id of present) if (!this.lastMs.has(id)) this.lastMs.set(id, this.nowMs);
  }

  /** Pings whatever is due, until `ms` have passed. Returns the size of each sweep. */
  run(ms: number): number[] {
    const untilMs = this.nowMs + ms;
    const sizes: number[] = [];
    for (let dueMs = this.schedule.nextDueMs; dueMs !== undefined; dueMs = this.schedule.nextDueMs) {
      if (dueMs > untilMs) break;
      this.nowMs = dueMs;
      const ids = this.schedule.take(dueMs);
      assert.equal(new Set(ids).size, ids.length, 'twice in one sweep');
      for (const id of ids) {
        const last = this.lastMs.get(id) ?? assert.fail(`${id} is not open`);
        assert.ok(dueMs - last <= periodMs + 1e-6, `${id} waited for ${dueMs - last} ms`);
        this.lastMs.set(id, dueMs);
      }
      sizes.push(ids.length);
    }
    this.nowMs = untilMs;
    for (const [id, last] of this.lastMs) assert.ok(untilMs - last <= periodMs + 1e-6, `${id} was forgotten`);
    return sizes;
  }
}

describe('The schedule of targets that are added and removed one by one', () => {
  it('pings all that are present, in few sweeps, at least once a period', () => {
    fc.assert(
      fc.property(
        fc.array(turn, { maxLength: 40 }),
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        (turns, random) => {
          const modelled = new Modelled(() => random.next().value as number);
          for (const { opened, closed, quietMs } of turns) {
            modelled.change(opened, closed);
            assert.equal(modelled.schedule.nextDueMs === undefined, modelled.lastMs.size === 0);
            modelled.run(quietMs);
          }
          // Most of them are removed, which leaves slices of one or two.
          modelled.change(
            [],
            [...modelled.lastMs.keys()].filter((id) => id % 5 > 0),
          );
          // By then merging is complete: of any two slices one is more than half full.
          modelled.run(2 * periodMs);
          const sizes = modelled.run(periodMs);
          const needed = modelled.lastMs.size / sliceSize;
          assert.ok(sizes.length <= 2 * needed + 1, `${sizes.join(', ')} for ${modelled.lastMs.size}`);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('spreads ten thousand added one by one as evenly as those added at once', () => {
    const schedule = new Schedule({ periodMs: 30_000, jitter: 0, concurrency: 128, random: Math.random });
    for (let id = 0; id < 10_000; id++) schedule.update([id], 0);
    const sizes: number[] = [];
    for (let dueMs = schedule.nextDueMs ?? 0; dueMs <= 30_000; dueMs = schedule.nextDueMs ?? Infinity) {
      sizes.push(schedule.take(dueMs).length);
    }
    assert.equal(
      sizes.reduce((sum, size) => sum + size, 0),
      10_000,
    );
    assert.equal(sizes.length, Math.ceil(10_000 / 512));
  });
});
