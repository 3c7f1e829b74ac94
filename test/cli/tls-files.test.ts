import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ZeoServer } from 'zeo-keepalive/testing';
import { readZopeConfig, storageOptions } from 'zeo-keepalive/zconfig';
import { readConfig } from '#src/cli/io/targets.js';
import { ClientStorage } from '#src/zeo/storage/client-storage.js';
import { findZeo } from '../support/python/environments.js';
import { CertificateAuthority, type KeyPair } from '../tls/certificates.js';

const execute = promisify(execFile);
const openStorages = fileURLToPath(new URL('../../../test/support/python/open_storages.py', import.meta.url));
const python = findZeo('6.2');

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
    await Promise.all(
      ['hashed', 'unhashed'].map((name) => mkdir(path.join(directory, name, 'java'), { recursive: true })),
    );
    await copyFile(authority.certFile, path.join(directory, 'hashed', 'ca.pem'));
    await execute('openssl', ['rehash', path.join(directory, 'hashed')]);
    await copyFile(authority.certFile, path.join(directory, 'unhashed', 'ca.pem'));
    // As in /etc/ssl/certs after the package of a certificate was removed.
    await symlink('gone.pem', path.join(directory, 'hashed', '01234567.0'));
    const others = await authority.revocationList([await authority.server('revoked')]);
    const all = await authority.revocationList([own]);
    await writeFile(path.join(directory, 'others-revoked.pem'), authority.cert + others);
    await writeFile(path.join(directory, 'revoked.pem'), authority.cert + all);
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

  it('connect with the same files as with ZEO’s own client', { skip: python.missing }, async () => {
    const strange = await stranger.client();
    const rows: Readonly<Record<string, [connects: boolean, keys: Record<string, string>]>> = {
      'as-it-should-be': [true, {}],
      'key-in-the-certificate': [true, { certificate: here('both.pem'), key: '' }],
      'hashed-directory': [true, { authenticate: here('hashed') }],
      'directory-without-hashes': [false, { authenticate: here('unhashed') }],
      'another-certificate-revoked': [true, { authenticate: here('others-revoked.pem') }],
      'server-revoked': [false, { authenticate: here('revoked.pem') }],
      'another-authority': [false, { authenticate: stranger.certFile }],
      'the-systems-authorities': [false, { authenticate: '' }],
      'client-of-another-authority': [false, { certificate: strange.certFile, key: strange.keyFile }],
      'key-of-another-certificate': [false, { key: strange.keyFile }],
      'no-such-file': [false, { certificate: here('none.pem') }],
      'not-a-certificate': [false, { certificate: client.keyFile }],
      'another-host-name': [false, { 'server-hostname': 'zodb.org' }],
      'the-host-name-given': [true, { 'server-hostname': 'localhost' }],
      'host-name-unchecked': [true, { 'check-hostname': 'false' }],
    };
    await writeFile(here('both.pem'), client.cert + client.key);
    const names = Object.keys(rows);
    const files = await Promise.all(names.map((name) => configure(name, rows[name]?.[1] ?? {})));
    const expected = names.map((name) => [name, rows[name]?.[0]]);
    const ours = await Promise.all(files.map(canOpen));
    assert.deepEqual(
      names.map((name, index) => [name, ours[index]]),
      expected,
    );
    const { stdout } = await execute(python.executable as string, [openStorages, ...files]);
    assert.deepEqual(
      names.map((name, index) => [name, JSON.parse(stdout)[index]]),
      expected,
    );
  });

  it('connect with the authorities of the system where none are given', async (t) => {
    const { SSL_CERT_FILE: before } = process.env;
    process.env.SSL_CERT_FILE = authority.certFile;
    t.after(() => {
      if (before === undefined) delete process.env.SSL_CERT_FILE;
      else process.env.SSL_CERT_FILE = before;
    });
    assert.equal(await canOpen(await configure('system', { authenticate: '' })), true);
  });

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

async function canOpen(file: string): Promise<boolean> {
  try {
    const [target] = await readConfig(file);
    await using _ = await ClientStorage.open({ ...target?.options, wait: true, waitTimeout: 2 } as never);
    return true;
  } catch {
    return false;
  }
}
