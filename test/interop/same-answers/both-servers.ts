import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { MemoryStorage, ZeoServer } from '#src/zeo/server/index.js';
import { findZeo, zeoVersions } from '../../support/python/environments.js';
import { type PythonZeoServer, startZeoServer } from '../../support/python/zeo-server.js';
import { referencesOf } from '../../zeo/server/records.js';
import type { Reachable } from '../../zeo/server/wire-client.js';

export type Encoding = 'Z5' | 'M5';

/** What a client observes on one storage of one server. */
export type Observation = (server: Reachable, storage: string) => Promise<unknown>;

/** Observes the same storage of both servers, and fails where they differ. @param about names the observation in the failure */
export type Compare = (storage: number, observe: Observation, about?: string) => Promise<void>;

/**
 * The embedded server against ZEO's own on a file storage, each release of it in each encoding.
 *
 * @param storages how many they have: one for each test, since a server of Python takes a second to start.
 */
export function describeBoth(
  title: string,
  storages: number,
  define: (compare: Compare, encoding: Encoding) => void,
  encodings: readonly Encoding[] = ['Z5', 'M5'],
): void {
  for (const version of zeoVersions) {
    for (const encoding of encodings) {
      describe(`${title}: ZEO ${version}, ${encoding}:`, { skip: findZeo(version).missing }, () => {
        let real: PythonZeoServer;
        let embedded: ZeoServer;
        const names = Array.from({ length: storages }, (_, index) => `storage-${index}`);
        before(async () => {
          real = await startZeoServer({ version, msgpack: encoding === 'M5', storages: names });
          embedded = await ZeoServer.listen({
            encoding,
            storages: new Map(names.map((name) => [name, new MemoryStorage({ referencesOf })])),
          });
        });
        after(async () => {
          await real.stop();
          await embedded.close();
        });
        const compare: Compare = async (storage, observe, about) => {
          const name = `storage-${storage}`;
          const [expected, found] = await Promise.all([observe(real, name), observe(embedded, name)]);
          assert.deepEqual(found, expected, about);
        };
        define(compare, encoding);
      });
    }
  }
}
