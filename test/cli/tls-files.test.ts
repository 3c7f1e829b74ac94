import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { ZeoServer } from 'zeo-keepalive/testing';
import { readZopeConfig, storageOptions } from 'zeo-keepalive/zconfig';
import { readConfig } from '#src/cli/io/targets.js';
import { readClientTls } from '#src/zconfig/tls-files.js';
import { ClientStorage } from '#src/zeo/storage/client-storage.js';
import { CertificateAuthority, type KeyPair } from '../tls/certificates.js';

const execute = promisify(execFile);

/** An `<ssl>` section without certificates. */
const plain = {
  ...{ certificate: undefined, key: undefined, passwordFunction: undefined },
  ...{ serverHostname: undefined, checkHostname: true },
};

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

  it('are named in the error for a directory that cannot be read', async (t) => {
    const locked = await mkdtemp(path.join(tmpdir(), 'zeo-keepalive-locked-'));
    t.after(() => rm(locked, { recursive: true }));
    await chmod(locked, 0);
    const message = `here needs ${locked}, which cannot be read: EACCES`;
    const isRoot = process.geteuid?.() === 0;
    // Root may read everything.
    if (isRoot) process.seteuid?.(65534);
    try {
      await assert.rejects(readClientTls({ ...plain, authenticate: locked }, 'here'), { message });
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });

  for (const variable of ['SSL_CERT_FILE', 'SSL_CERT_DIR']) {
    it(`are not replaced by other authorities where ${variable} leads nowhere`, async (t) => {
      const { SSL_CERT_FILE, SSL_CERT_DIR } = process.env;
      for (const [name, before] of Object.entries({ SSL_CERT_FILE, SSL_CERT_DIR })) {
        delete process.env[name];
        t.after(() => {
          delete process.env[name];
          if (before !== undefined) process.env[name] = before;
        });
      }
      process.env[variable] = path.join(directory, 'nothing');
      await assert.rejects(readClientTls({ ...plain, authenticate: undefined }, 'here'), {
        code: 'ERR_ZEO_INVALID_ARGUMENT',
        message: `here trusts the authorities of the system; expected certificates where ${variable} says, ${process.env[variable]}, found none`,
      });
    });
  }
});
