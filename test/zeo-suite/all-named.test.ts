import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { findZeo } from '../support/python/environments.js';
import { groups } from './groups.js';
import { leftOut, notApplicable } from './not-applicable.js';
import { runSuite } from './suite-run.js';

const { executable, missing } = findZeo('6.2');

test('Every test of ZEO.tests is run, or named with the reason why not', {
  skip: missing ?? false,
}, async (t) => {
  const shipped = new Set<string>();
  const grouped = new Set<string>();
  const groupsSeen = new Set<string>();
  for await (const event of runSuite(executable as string, ['list'], 'Z5')) {
    if ('missing' in event) return t.skip(event.missing);
    if (!('test' in event)) continue;
    if (event.group === undefined) {
      shipped.add(event.test);
    } else {
      grouped.add(event.test);
      groupsSeen.add(event.group);
    }
  }
  const prefixes = Object.keys(leftOut);
  const isLeftOut = (id: string) => prefixes.some((prefix) => id.startsWith(prefix));

  const forgotten = [...shipped].filter((id) => !grouped.has(id) && !isLeftOut(id));
  assert.deepEqual(forgotten, [], 'Neither in groups.py nor in not-applicable.ts');
  const both = [...grouped].filter(isLeftOut);
  assert.deepEqual(both, [], 'In groups.py, and left out according to not-applicable.ts');
  const idle = prefixes.filter((prefix) => ![...shipped].some((id) => id.startsWith(prefix)));
  assert.deepEqual(idle, [], 'Left out according to not-applicable.ts, and not there');
  const unknown = Object.keys(notApplicable).filter((id) => !grouped.has(id));
  assert.deepEqual(unknown, [], 'Not applicable according to not-applicable.ts, and in no group');
  assert.deepEqual([...groupsSeen], [...groups], 'groups.ts has to name the groups of groups.py');
  const idleGroups = groups.filter(
    (group) => !existsSync(new URL(`groups/${group}-z5.test.js`, import.meta.url)),
  );
  assert.deepEqual(idleGroups, [], 'No test file runs these groups');
});
