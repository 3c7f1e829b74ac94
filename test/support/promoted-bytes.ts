import { setImmediate as nextTurn } from 'node:timers/promises';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const rounds = 100;

/**
 * By how many bytes each round makes the old generation of this thread grow, when the young one is collected after each: what is
 * moved there stays until the next major collection, whether anything needs it or not. To be measured in a thread of its own, as
 * the test runner keeps promises.
 */
export async function promotedBytes(round: () => Promise<void>): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options?: { readonly type: 'minor' }) => void;
  // An object is moved by the second collection that finds it alive.
  const collectYoung = () => {
    collect({ type: 'minor' });
    collect({ type: 'minor' });
  };
  for (let index = 0; index < 20; index++) await round();
  collect();
  collectYoung();
  const before = oldBytes();
  for (let index = 0; index < rounds; index++) {
    await round();
    // What has called this is not part of what the round leaves behind.
    await nextTurn();
    collectYoung();
  }
  return (oldBytes() - before) / rounds;
}

function oldBytes(): number {
  const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space');
  return space?.space_used_size ?? Number.NaN;
}
