import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { ZeoServer } from 'zeo-keepalive/testing';
import { readZopeConfig, storageOptions } from 'zeo-keepalive/zconfig';
import { readConfig } from '#src/cli/io/targets.js';
import { ClientStorage } from '#src/zeo/storage/client-storage.js';
import { CertificateAuthority, type KeyPair } from '../tls/certificates.js';

const execute = promisify(execFile);

describe('The files of an <ssl> section', { timeout: 60_000 }, () => {
  let authority: CertificateAuthority;
  let stranger: CertificateAuthority;
  let client: KeyPair;
  let server: ZeoServer;
  let directory: string;
  before(async () => {
    [authority, stranger] = await Promise.all([
      CertificateAuthority.create(),
      CertificateAuthority.create('Another'),
    ]);
    const own = await authority.server();
    client = await authority.client();
    server = await ZeoServer.listen({ tls: { cert: own.cert, key: own.key, ca: authority.cert } });
    directory = path.dirname(authority.certFile);
    await mkdir(path.join(directory, 'unhashed'));
    await copyFile(authority.certFile, path.join(directory, 'unhashed', 'ca.pem'));
    await writeFile(path.join(directory, 'empty.pem'), '# none\n');
    const encrypted = ['pkey', '-in', client.keyFile, '-aes128', '-passout', 'pass:secret'];
    await execute('openssl', [...encrypted, '-out', path.join(directory, 'encrypted.key')]);
  });
  after(async () => {
    await server?.close();
    await Promise.all([authority?.remove(), stranger?.remove()]);
  });

  const configure = async (name: string, keys: Readonly<Record<string, string>>) => {
    const defaults = { certificate: client.certFile, key: client.keyFile, authenticate: authority.certFile };
    const lines = Object.entries({ ...defaults, ...keys })
      .filter(([, value]) => value !== '')
      .map(([key, value]) => `${key} ${value}\n`);
    const file = path.join(directory, `${name}.conf`);
    const text = `server ${server.address}\nwait-timeout 2\n<ssl>\n${lines.join('')}</ssl>\n`;
    await writeFile(file, `%import ZEO\n<clientstorage>\n${text}</clientstorage>\n`);
    return file;
  };
  const here = (name: string) => path.join(directory, name);

  it('connect with an encrypted key where a program has its passphrase', async () => {
    const keys = { key: here('encrypted.key'), 'password-function': 'app.passphrase' };
    const [config] = await readZopeConfig(await configure('encrypted', keys));
    assert.ok(config !== undefined);
    const options = await storageOptions(config, { passphrase: 'secret' });
    await using storage = await ClientStorage.open({ ...options, waitTimeout: 2 });
    assert.equal(storage.ready, true);
    await assert.rejects(storageOptions(config), { message: /has a password-function, which only Python/ });
    await assert.rejects(storageOptions(config, { passphrase: 'other' }), (error: Error) => {
      assert.match(error.message, /the key is encrypted; expected one with another passphrase$/);
      return !error.message.includes('secret');
    });
  });

  for (const [what, keys, why] of [
    [
      'a key of another certificate',
      { key: 'STRANGE' },
      /:2: .* has certificate \S+client\.crt with key \S+: the key is of another certificate$/,
    ],
    [
      'an encrypted key',
      { key: 'encrypted.key' },
      /encrypted\.key: the key is encrypted; expected one without a passphrase$/,
    ],
    [
      'a directory without hashes',
      { authenticate: 'unhashed' },
      /unhashed, in which OpenSSL finds no certificate; expected .*rehash/,
    ],
    [
      'authorities without a certificate',
      { authenticate: 'empty.pem' },
      /empty\.pem, which holds no certificate; expected some in PEM$/,
    ],
    ['a missing file', { certificate: 'none.pem' }, /needs \S+none\.pem, which cannot be read: ENOENT$/],
  ] as const) {
    it(`are named in the error for ${what}`, async () => {
      const { keyFile } = await stranger.client();
      const [[key, file] = []] = Object.entries(keys);
      const value = file === 'STRANGE' ? keyFile : here(file as string);
      const config = await configure('wrong', { [key as string]: value });
      await assert.rejects(readConfig(config), (error: Error & { code: string }) => {
        assert.equal(error.code, 'ERR_ZEO_INVALID_ARGUMENT');
        assert.ok(error.message.startsWith(`${config}:2: `), error.message);
        assert.match(error.message, why);
        return true;
      });
    });
  }
});
