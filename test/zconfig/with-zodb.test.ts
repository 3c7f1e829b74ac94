import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ConfigError } from '#src/zconfig/config-error.js';
import { readZopeConfig, type ZeoClientConfig } from '#src/zconfig/read-zope-config.js';
import { resolveClientOptions } from '#src/zeo/connection/options.js';
import { type Address, ClientStorage } from '#src/zeo/index.js';
import { findZeo } from '../support/python/environments.js';
import { startZeoServer } from '../support/python/zeo-server.js';
import { ConfigDirectory } from './config-directory.js';
import { fixture } from './fixtures.js';
import { type PythonOptions, PythonZConfig } from './python-zconfig.js';
import { takenValues, wrongValues } from './values.js';

const python = (address: Address) =>
  'path' in address ? address.path : ([address.host, address.port] as const);

/** What ClientStorage.open makes of a client, in the words of the Python side. */
function pythonOptions({ options, ssl }: ZeoClientConfig): PythonOptions {
  const { addresses, storage, name, wait, waitTimeoutMs, clientLabel, cacheBytes, access } =
    resolveClientOptions(options);
  return {
    addresses: addresses.map(python),
    storage,
    name: name ?? '',
    wait,
    wait_timeout: waitTimeoutMs / 1000,
    read_only: access === 'read',
    read_only_fallback: access === 'fallback',
    client_label: clientLabel ?? null,
    cache_size: cacheBytes,
    ssl:
      ssl === undefined
        ? null
        : { check_hostname: ssl.checkHostname, server_hostname: ssl.serverHostname ?? null },
  };
}

describe('ZODB’s and ZEO’s own schemas and this package', { skip: findZeo('6.2').missing }, () => {
  let zconfig: PythonZConfig;
  before(() => {
    zconfig = new PythonZConfig();
  });
  after(() => zconfig[Symbol.asyncDispose]());

  async function compare(file: string, env: Record<string, string> = {}): Promise<number> {
    const ours = (await readZopeConfig(file, { env })).map(pythonOptions);
    const theirs = await zconfig.clients(file, env);
    assert.deepEqual(ours, theirs.loaded, theirs.refused);
    return ours.length;
  }

  it('find the same clients in a zope.conf of Plone’s buildout recipe', async () => {
    assert.equal(await compare(fixture('buildout.conf'), { ZEO_TMP: '/tmp' }), 2);
  });

  it('find the same clients in a zope.conf of cookiecutter-zope-instance', async () => {
    assert.equal(await compare(fixture('cookiecutter.conf')), 1);
  });

  it('find the same clients in a configuration of several files', async () => {
    assert.equal(await compare(fixture('cluster.conf'), { HOSTNAME_OF_CLIENT: 'web3' }), 4);
  });

  it('find the same clients in storages without a database', async () => {
    await using directory = await ConfigDirectory.make({
      'zope.conf':
        '<zeoclient one>\nserver 8100\n</zeoclient>\n<demostorage>\n<clientstorage>\nserver h:1\n' +
        'wait-timeout 0\n</clientstorage>\n</demostorage>',
    });
    assert.equal(await compare(directory.path('zope.conf')), 2);
  });

  for (const type of ['zeoclient', 'clientstorage'] as const) {
    const inside = (lines: string) => ({ 'zope.conf': `<${type}>\n${lines}\n</${type}>\n` });

    it(`take the same values in a <${type}>`, async () => {
      await using directory = await ConfigDirectory.make();
      for (const lines of takenValues[type]) {
        await directory.write(inside(lines));
        assert.equal(await compare(directory.path('zope.conf')), 1, lines);
      }
    });

    it(`refuse the same values in a <${type}>`, async () => {
      await using directory = await ConfigDirectory.make();
      for (const lines of wrongValues[type]) {
        await directory.write(inside(lines));
        const file = directory.path('zope.conf');
        const theirs = await zconfig.clients(file);
        assert.notEqual(theirs.refused, undefined, lines);
        await assert.rejects(readZopeConfig(file), ConfigError, lines);
      }
    });
  }

  it('read the same TLS settings', async () => {
    const certificates = await zconfig.certificates();
    const files = [
      `certificate ${path.join(certificates, 'client.pem')}\nkey ${path.join(certificates, 'client_key.pem')}`,
      `authenticate ${path.join(certificates, 'server.pem')}`,
    ].join('\n');
    await using directory = await ConfigDirectory.make();
    for (const more of ['', 'check-hostname off', 'server-hostname zeo.example.org']) {
      const text = `<clientstorage>\nserver a:1\n<ssl>\n${files}\n${more}\n</ssl>\n</clientstorage>`;
      await directory.write({ 'zope.conf': text });
      assert.equal(await compare(directory.path('zope.conf')), 1);
    }
  });

  it('refuse two sections of one name', async () => {
    await using directory = await ConfigDirectory.make({
      'zope.conf': '<zodb main>\n<mappingstorage/>\n</zodb>\n<zodb Main>\n<mappingstorage/>\n</zodb>',
    });
    const file = directory.path('zope.conf');
    assert.equal((await zconfig.clients(file)).refused, 'ConfigurationSyntaxError');
    await assert.rejects(readZopeConfig(file), { code: 'ERR_ZCONFIG_SYNTAX', line: 4 });
  });

  it('differ on purpose in impossible servers and sizes, and several servers in one line', async () => {
    await using directory = await ConfigDirectory.make();
    const file = directory.path('zope.conf');
    for (const server of ['a', 'a:', 'a:0', '0', '::1', '::1:8100', '[::1]', 'a b:1', 'zeo://a:1', 'ä ö:1']) {
      await directory.write({ 'zope.conf': `<zeoclient>\nserver ${server}\n</zeoclient>` });
      assert.equal((await zconfig.clients(file)).loaded?.length, 1, server);
      await assert.rejects(readZopeConfig(file), { code: 'ERR_ZCONFIG_INVALID', line: 2 }, server);
    }
    await directory.write({ 'zope.conf': '<zeoclient>\nserver a:1\ncache-size -1\n</zeoclient>' });
    assert.equal((await zconfig.clients(file)).loaded?.[0]?.cache_size, -1);
    await assert.rejects(readZopeConfig(file), { code: 'ERR_ZCONFIG_INVALID', line: 3 });
    await directory.write({ 'zope.conf': '<zeoclient>\nserver a:1 b:2\n</zeoclient>' });
    assert.deepEqual((await zconfig.clients(file)).loaded?.[0]?.addresses, [['a:1 b:2', null]]);
    assert.deepEqual((await readZopeConfig(file))[0]?.options.addresses, [
      { host: 'a', port: 1 },
      { host: 'b', port: 2 },
    ]);
  });

  it('connect to the same real server', async () => {
    const server = await startZeoServer({ version: '6.2', storage: 'mapping' });
    try {
      await using directory = await ConfigDirectory.make({
        'zope.conf':
          `%define PORT ${server.port}\n<zodb_db main>\nmount-point /\n<zeoclient>\n` +
          'server 127.0.0.1:$PORT\nclient-label from zope.conf\n</zeoclient>\n</zodb_db>',
      });
      const file = directory.path('zope.conf');
      const theirs = await zconfig.ping(file);
      const [main] = await readZopeConfig(file);
      const storage = await ClientStorage.open(main?.options ?? {});
      try {
        assert.deepEqual(theirs.addresses, [['127.0.0.1', server.port]]);
        assert.equal(storage.ready, true);
      } finally {
        await storage.close();
      }
    } finally {
      await server.stop();
    }
  });
});
