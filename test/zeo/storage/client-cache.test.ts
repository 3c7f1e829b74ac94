import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { ClientCache } from '#src/zeo/storage/client-cache.js';
import type { PastRevision } from '#src/zeo/storage/revision.js';
import { formatId, maxTid } from '#src/zodb/ids.js';
import { id } from './scripted-peer.js';

const key = formatId(id(1));
const record = (text: string) => new TextEncoder().encode(text);
const revision = (serial: number, endTid: number | null, data = `of ${serial}`): PastRevision => ({
  data: record(data),
  serial: id(serial),
  endTid: endTid === null ? null : id(endTid),
});

function filled(...revisions: PastRevision[]): ClientCache {
  const cache = new ClientCache(1024 * 1024);
  for (const each of revisions) cache.store(key, each);
  return cache;
}

// The behaviours of ZEO/tests/test_cache.py that apply to a cache in memory.
describe('The client cache', () => {
  it('returns the revision that was current just before a transaction', () => {
    const cache = filled(revision(10, 20), revision(30, null), revision(20, 30));
    const serialBefore = (tid: number) => cache.loadBefore(key, id(tid))?.serial;
    assert.equal(serialBefore(10), undefined);
    assert.deepEqual([11, 20].map(serialBefore), [id(10), id(10)]);
    assert.deepEqual([21, 30].map(serialBefore), [id(20), id(20)]);
    assert.deepEqual([31, 1000].map(serialBefore), [id(30), id(30)]);
    assert.equal(cache.loadBefore(formatId(id(2)), maxTid), undefined);
  });

  it('returns nothing for a time between two cached revisions', () => {
    const cache = filled(revision(10, 20), revision(30, 40));
    assert.equal(cache.loadBefore(key, id(25)), undefined);
    assert.equal(cache.loadBefore(key, id(41)), undefined);
  });

  // testNonCurrent, test_loadBefore_doesnt_miss_current
  it('keeps the current revision as a past one if it is invalidated', () => {
    const cache = filled(revision(10, null));
    cache.invalidate(id(1), id(20));
    assert.deepEqual(cache.loadBefore(key, id(20)), revision(10, 20));
    assert.equal(cache.loadBefore(key, maxTid), undefined);
    cache.store(key, revision(20, null));
    assert.deepEqual(cache.loadBefore(key, maxTid), revision(20, null));
    assert.deepEqual(cache.loadBefore(key, id(20)), revision(10, 20));
  });

  it('drops the current revision if the time of a change is unknown', () => {
    const cache = filled(revision(5, 10), revision(10, null));
    cache.invalidateUpTo(id(1), id(30));
    assert.equal(cache.loadBefore(key, id(12)), undefined);
    assert.deepEqual(cache.loadBefore(key, id(9)), revision(5, 10));
    cache.store(key, revision(30, null));
    cache.invalidateUpTo(id(1), id(30));
    assert.deepEqual(cache.loadBefore(key, maxTid), revision(30, null));
  });

  it('ignores an invalidation for the revision that it already has', () => {
    const cache = filled(revision(20, null));
    cache.invalidate(id(1), id(20));
    cache.invalidate(id(1), id(15));
    assert.deepEqual(cache.loadBefore(key, maxTid), revision(20, null));
  });

  it('keeps the later of two revisions given as current', () => {
    const late = filled(revision(10, null), revision(20, null));
    const early = filled(revision(20, null), revision(10, null));
    for (const cache of [late, early]) {
      assert.deepEqual(cache.loadBefore(key, maxTid), revision(20, null));
      assert.equal(cache.loadBefore(key, id(15)), undefined);
    }
  });

  // testEviction, testCurrentObjectLargerThanCache, testOldObjectLargerThanCache
  it('is bounded in bytes, and evicts the least recently used revision', () => {
    const cache = new ClientCache(10_000);
    const big = 'x'.repeat(2_000);
    for (let number = 1; number <= 4; number++) cache.store(formatId(id(number)), revision(10, null, big));
    assert.equal(cache.length, 4);
    assert.ok(cache.loadBefore(formatId(id(1)), maxTid));
    cache.store(formatId(id(5)), revision(10, null, big));
    assert.ok(cache.size <= 10_000);
    assert.equal(cache.loadBefore(formatId(id(2)), maxTid), undefined);
    assert.ok(cache.loadBefore(formatId(id(1)), maxTid));
    cache.store(formatId(id(6)), revision(10, null, 'x'.repeat(10_000)));
    assert.equal(cache.loadBefore(formatId(id(6)), maxTid), undefined);
    assert.equal(cache.length, 4);
  });

  it('stores nothing if its size is zero', () => {
    const cache = new ClientCache(0);
    cache.store(key, revision(10, null));
    assert.deepEqual([cache.length, cache.size, cache.loadBefore(key, maxTid)], [0, 0, undefined]);
    cache.clear(id(1));
  });

  it('copies what is stored, and the ids that it returns', () => {
    const stored = revision(10, 20);
    const cache = filled(stored);
    const asked = cache.loadBefore(key, id(15)) as PastRevision;
    stored.data.fill(0);
    for (const { serial, endTid } of [stored, asked]) {
      serial.fill(0);
      endTid?.fill(0);
    }
    assert.deepEqual(cache.loadBefore(key, id(15)), revision(10, 20));
  });

  it('does not copy the records that it returns', () => {
    const cache = filled(revision(10, 20));
    assert.equal(cache.loadBefore(key, id(15))?.data, cache.loadBefore(key, id(20))?.data);
  });

  // test_clear_zeo_cache
  it('drops everything on clear()', () => {
    const cache = filled(revision(10, 20), revision(20, null));
    cache.clear(id(30));
    assert.deepEqual([cache.length, cache.size, cache.loadBefore(key, id(15))], [0, 0, undefined]);
  });

  it('recognizes a load whose reply an invalidation has overtaken', () => {
    const cache = filled();
    const load = cache.beginLoad(key);
    const other = cache.beginLoad(formatId(id(2)));
    assert.equal(load.isOvertaken(revision(10, null)), false);
    cache.invalidate(id(1), id(20));
    cache.invalidate(id(1), id(15));
    assert.equal(load.isOvertaken(revision(10, null)), true);
    assert.equal(load.isOvertaken(revision(20, null)), false);
    assert.equal(load.isOvertaken(revision(10, 20)), false);
    assert.equal(other.isOvertaken(revision(10, null)), false);
    cache.clear(id(30));
    assert.equal(other.isOvertaken(revision(10, null)), true);
    for (const each of [load, other]) each.done();
    assert.equal(cache.beginLoad(key).isOvertaken(revision(10, null)), false);
  });

  it('only returns what the server would, whatever was loaded when', () => {
    // A model of a storage with one object; times are transactions. Loads reply with the state as of `now`.
    type Step = { readonly act: 'load' | 'commit' | 'missed' | 'ask'; readonly at: number };
    const step = fc.record<Step>({
      act: fc.constantFrom('load', 'load', 'commit', 'missed', 'ask'),
      at: fc.integer({ min: 1, max: 60 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const cache = new ClientCache(6_000);
        const written = [1];
        let now = 1;
        const truth = (before: number): PastRevision | undefined => {
          const index = written.findLastIndex((tid) => tid < before);
          const serial = written[index];
          return serial === undefined ? undefined : revision(serial, written[index + 1] ?? null);
        };
        for (const { act, at } of steps) {
          if (act === 'commit' || act === 'missed') {
            now += 1;
            written.push(now);
            if (act === 'commit') cache.invalidate(id(1), id(now));
            else cache.invalidateUpTo(id(1), id(now));
          } else {
            const cached = cache.loadBefore(key, id(at));
            const expected = truth(at);
            if (cached !== undefined) assert.deepEqual(cached, expected);
            if (act === 'load' && expected !== undefined) cache.store(key, expected);
          }
        }
      }),
    );
  });
});

it('Loads that were answered leave nothing in the old generation but what is cached', async () => {
  // In a thread of its own: the test runner keeps promises.
  const worker = new Worker(new URL('promoted-by-loads.js', import.meta.url));
  const [bytesOfALoad] = await once(worker, 'message');
  assert.ok(bytesOfALoad < 120, `${bytesOfALoad} bytes of a load were moved to the old generation`);
});
