import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PythonGlobal } from '#src/python/global.js';
import { PythonObject } from '#src/python/object.js';
import type { Value } from '#src/zeo/encoding/values.js';
import { ZeoServer } from '#src/zeo/server/index.js';
import { oid } from './records.js';
import { WireClient } from './wire-client.js';

/** As Zope pickles it: an instance without arguments, and its attributes. */
function prefix(path: string): PythonObject {
  const object = new PythonObject(new PythonGlobal('ZopeUndo.Prefix', 'Prefix'), []);
  object.state = { path: path.split('/'), length: path.split('/').length };
  return object;
}

describe('undoInfo with a ZopeUndo.Prefix', () => {
  const undone = async (client: WireClient, specification: Value) => {
    const entries = (await client.call('undoInfo', 0, -20, specification)) as readonly { path: string }[];
    return entries.map(({ path }) => path);
  };

  it('finds the transactions of a path and of all below it', async () => {
    await using server = await ZeoServer.listen();
    const paths = ['/a', '/a/b', '/a/b/c', '/a/bbb', '/a/b spam', '/a/b/c eggs', '', '/a/b and c'];
    for (const path of paths) {
      server.storage().commit([{ oid: oid(1), data: Buffer.from(path) }], { extension: { path } });
    }
    const client = await WireClient.register(server);
    assert.deepEqual(await undone(client, { path: prefix('/a/b') }), [
      '/a/b/c eggs',
      '/a/b spam',
      '/a/b/c',
      '/a/b',
    ]);
    assert.deepEqual(await undone(client, { path: prefix('') }), paths.toReversed());
  });

  it('answers a prefix of other than text with Python’s exceptions', async () => {
    await using server = await ZeoServer.listen();
    server.storage().commit([{ oid: oid(1), data: Buffer.from('x') }]);
    const client = await WireClient.register(server);
    const bytesLike = {
      className: 'builtins.TypeError',
      args: ["a bytes-like object is required, not 'str'"],
    };
    await assert.rejects(undone(client, { user_name: prefix('/') }), bytesLike);
    await assert.rejects(undone(client, { nothing: prefix('/') }), {
      className: 'builtins.AttributeError',
      args: ["'NoneType' object has no attribute 'split'"],
    });
    assert.equal(await client.call('ping'), null);
  });
});
