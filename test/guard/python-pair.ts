import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { type OpenOptions, openPythonClient, type PythonClient } from '../support/python/client.js';
import type { ZeoVersion } from '../support/python/environments.js';

/**
 * Opens two clients of a guard, changes an object with one, and stores records of these sizes, all of which the other one finds.
 * They end with the test. Resolves to the first.
 */
export async function openPair(
  t: TestContext,
  version: ZeoVersion,
  options: OpenOptions,
  sizes: readonly number[],
): Promise<PythonClient> {
  const open = async () => {
    const client = await openPythonClient(version, options);
    t.after(() => client.kill());
    return client;
  };
  const one = await open();
  // Makes the root object, which the other one then finds.
  await one.call('open_db');
  const other = await open();
  await other.call('open_db');
  const tid = await one.call<string>('set', { key: 'greeting', value: 'hello' });
  await other.call('wait_invalidation', { tid });
  assert.equal(await other.call('get', { key: 'greeting' }), 'hello');
  const stored = await one.call<[string, string][]>('store_random', { sizes });
  const oids = stored.map(([oid]) => oid);
  assert.deepEqual(
    await other.call('digest', { oids }),
    stored.map(([, digest]) => digest),
  );
  return one;
}
