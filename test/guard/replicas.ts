import { cp } from 'node:fs/promises';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { openPythonClient } from '../support/python/client.js';
import type { ZeoVersion } from '../support/python/environments.js';
import { PythonZeoServer, startZeoServer } from '../support/python/zeo-server.js';
import { temporaryDirectory } from './temporary-directory.js';

export interface ReplicaOptions {
  readonly version: ZeoVersion;
  readonly msgpack: boolean;
}

/** A server with a few objects, and a replica of it. They end with the test. */
export async function startReplicas(t: TestContext, { version, msgpack }: ReplicaOptions) {
  const first = await startZeoServer({ version, msgpack });
  t.after(() => first.stop());
  const writer = await openPythonClient(version, { address: [first.host, first.port] });
  await writer.call('open_db');
  await writer.call('set', { key: 'first', value: 1 });
  const oids = await writer.call<string[]>('add_objects', { count: 3 });
  await writer.close();
  const second = new PythonZeoServer(await temporaryDirectory(t), { version, msgpack });
  // A file storage only ever appends, so a copy of a running one holds every finished transaction.
  await cp(path.join(first.directory, 'Data.fs'), path.join(second.directory, 'Data.fs'));
  await second.start();
  t.after(() => second.stop());
  return { first, second, oids };
}
