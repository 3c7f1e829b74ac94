import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ZeoServer } from 'zeo-keepalive/testing';
import { readZopeConfig, storageOptions } from 'zeo-keepalive/zconfig';
import { ClientStorage } from 'zeo-keepalive/zeo';
import { readTls } from '#src/zconfig/tls-files.js';
import { findZeo } from '../support/python/environments.js';
import { startZeoServer } from '../support/python/zeo-server.js';
import { CertificateAuthority, future, type KeyPair, past } from '../tls/certificates.js';
import { passphrases, type Row, rows } from './ssl-rows.js';

const execute = promisify(execFile);
const openStorages = fileURLToPath(new URL('../../../test/support/python/open_storages.py', import.meta.url));
const page = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8');
const python = findZeo('6.2');

/** Every file of these tests has a name here. */
type Files = Readonly<Record<string, string>>;
type Servers = Readonly<Record<string, ZeoServer>>;

describe('The files of an <ssl> section', { timeout: 120_000 }, () => {
  let authority: CertificateAuthority;
  let stranger: CertificateAuthority;
  let client: KeyPair;
  let own: KeyPair;
  let directory: string;
  let files: Files;
  let servers: Servers = {};

  before(async () => {
    [authority, stranger] = await Promise.all([
      CertificateAuthority.create(),
      CertificateAuthority.create('Another'),
    ]);
    directory = path.dirname(authority.certFile);
    client = await authority.client();
    own = await authority.server();
    const intermediate = await authority.intermediate('Between');
    const below = await intermediate.server('below');
    const selfSigned = await authority.selfSigned();
    const revokedClient = await authority.client('revokedClient');
    const [expiredClient, earlyClient, strange] = await Promise.all([
      authority.client('expiredClient', { validity: past }),
      authority.client('earlyClient', { validity: future }),
      stranger.client('strange'),
    ]);
    const revokesClient = await authority.revocationList([revokedClient]);
    const listen = ({ cert, key }: KeyPair) =>
      ZeoServer.listen({ tls: { cert, key, ca: authority.cert, crl: revokesClient } });
    servers = {
      good: await listen(own),
      selfSigned: await listen(selfSigned),
      chained: await listen({ ...below, cert: below.cert + intermediate.cert }),
      expired: await listen(await authority.server('expired', { validity: past })),
      early: await listen(await authority.server('early', { validity: future })),
      lax: await listen(await authority.server('lax', { without: 'authorityKeyIdentifier' })),
      elsewhere: await listen(await authority.server('elsewhere', { without: 'subjectAltName' })),
    };
    const none = await authority.revocationList([]);
    const noneBelow = await intermediate.revocationList([]);
    const revoking = await authority.revocationList([own]);
    const { stdout: trusted } = await execute('openssl', ['x509', '-in', authority.certFile, '-trustout']);
    files = {
      ...{ authority: authority.cert, stranger: stranger.cert, selfSigned: selfSigned.cert, trusted },
      bundle: `# several\n${stranger.cert}${client.key}and\n${authority.cert}`,
      both: client.cert + client.key,
      revoking: authority.cert + revoking,
      revokingOthers: authority.cert + revokesClient,
      oldList: authority.cert + (await authority.revocationList([], past)),
      strangersList: authority.cert + (await stranger.revocationList([])),
      listOfIntermediate: authority.cert + noneBelow,
      bothLists: none + authority.cert + noneBelow,
      intermediateRevoked: authority.cert + noneBelow + (await authority.revocationList([intermediate])),
      ...pair('client', client),
      ...{ ...pair('expiredClient', expiredClient), ...pair('earlyClient', earlyClient) },
      ...{ ...pair('revokedClient', revokedClient), ...pair('strange', strange) },
      'passphrases.py': 'def right(): return "secret"\ndef wrong(): return "other"\n',
    };
    directory = path.join(directory, 'files');
    for (const name of ['hashed/java', 'unhashed', 'hashedList'])
      await mkdir(here(name), { recursive: true });
    await Promise.all(Object.entries(files).map(([name, text]) => writeFile(here(name), text)));
    for (const name of ['hashed', 'unhashed', 'hashedList'])
      await copyFile(authority.certFile, here(`${name}/ca.pem`));
    await writeFile(here('hashedList/list.pem'), revoking);
    // As in /etc/ssl/certs after the package of a certificate was removed.
    await symlink('gone.pem', here('hashed/01234567.0'));
    for (const name of ['hashed', 'hashedList']) await execute('openssl', ['rehash', here(name)]);
    const encrypting = ['pkey', '-in', here('client.key'), '-aes128', '-passout', 'pass:secret'];
    await execute('openssl', [...encrypting, '-out', here('encrypted')]);
  });
  after(async () => {
    await Promise.all(Object.values(servers).map((server) => server.close()));
    await Promise.all([authority?.remove(), stranger?.remove()]);
  });

  const here = (name: string) => path.join(directory, name);
  const configure = async ({ keys, server = 'good' }: Omit<Row, 'what' | 'connects'>, name: string) => {
    const defaults = { certificate: 'client.crt', key: 'client.key', authenticate: 'authority' };
    const lines = Object.entries({ ...defaults, ...keys })
      .filter(([, value]) => value !== '')
      .map(([key, value]) => `${key} ${key in defaults ? here(value) : value}\n`);
    const address = servers[server]?.address;
    const text = `server ${address}\nwait-timeout 2\n<ssl>\n${lines.join('')}</ssl>\n`;
    await writeFile(here(name), `%import ZEO\n<clientstorage>\n${text}</clientstorage>\n`);
    return here(name);
  };
  const configureAll = () => Promise.all(rows.map((row, index) => configure(row, `${index}.conf`)));
  const openByPython = async (configs: readonly string[], env: NodeJS.ProcessEnv = {}) => {
    const options = { env: { ...process.env, PYTHONPATH: directory, ...env } };
    const { stdout } = await execute(python.executable as string, [openStorages, ...configs], options);
    return JSON.parse(stdout) as readonly boolean[];
  };

  it('connect or are refused as the documentation has it, row by row', async () => {
    const connects = await Promise.all((await configureAll()).map(canOpen));
    assert.deepEqual(
      rows.map(({ what }, index) => [what, connects[index]]),
      rows.map(({ what, connects }) => [what, connects[1]]),
    );
  });

  it('do so with ZEO’s own client, row by row', { skip: python.missing }, async () => {
    const connects = await openByPython(await configureAll());
    assert.deepEqual(
      rows.map(({ what }, index) => [what, connects[index]]),
      rows.map(({ what, connects }) => [what, connects[0]]),
    );
  });

  it('are in the table of the documentation, row by row', () => {
    const said = (connects: boolean) => (connects ? 'connects' : 'refused');
    for (const { what, connects } of rows)
      assert.ok(page.includes(`| ${what} | ${said(connects[0])} | ${said(connects[1])} |\n`), what);
  });

  for (const [variable, value] of [
    ['SSL_CERT_FILE', 'authority'],
    ['SSL_CERT_DIR', 'hashed'],
  ] as const) {
    it(`trust the authorities that ${variable} names where none are given`, {
      skip: python.missing,
    }, async (t) => {
      const config = await configure({ keys: { authenticate: '' } }, `${variable}.conf`);
      const { [variable]: before } = process.env;
      t.after(() => {
        if (before === undefined) delete process.env[variable];
        else process.env[variable] = before;
      });
      process.env[variable] = here(value);
      assert.deepEqual([await openByPython([config]), await canOpen(config)], [[true], true]);
    });
  }

  it('accept the same clients as ZEO’s own server', { skip: python.missing }, async () => {
    const authenticate = here('revokingOthers');
    const section = { certificate: own.certFile, key: own.keyFile, authenticate };
    await using theirs = await startZeoServer({ version: '6.2', storage: 'mapping', tls: section });
    const more = { passwordFunction: undefined, checkHostname: true, serverHostname: undefined };
    const { cert, key, ca, crl } = await readTls({ ...section, ...more }, 'here');
    await using ours = await ZeoServer.listen({ tls: { cert, key, ca, crl } });
    const names = ['client', 'expiredClient', 'earlyClient', 'revokedClient', 'strange'];
    const connects = (address: string) =>
      Promise.all(
        names.map((name) => {
          const mine = { cert: files[`${name}.crt`], key: files[`${name}.key`], ca: authority.cert };
          return opens({ address, tls: mine });
        }),
      );
    assert.deepEqual(await connects(theirs.address), [true, false, false, false, false]);
    assert.deepEqual(await connects(ours.address), [true, false, false, false, false]);
  });
});

function pair(name: string, { cert, key }: KeyPair): Files {
  return { [`${name}.crt`]: cert, [`${name}.key`]: key };
}

async function canOpen(file: string): Promise<boolean> {
  try {
    const [config] = await readZopeConfig(file);
    assert.ok(config !== undefined);
    return await opens(
      await storageOptions(config, { passphrase: passphrases[config.ssl?.passwordFunction ?? ''] }),
    );
  } catch {
    return false;
  }
}

async function opens(options: Parameters<typeof ClientStorage.open>[0] & object): Promise<boolean> {
  try {
    await using _ = await ClientStorage.open({ ...options, wait: true, waitTimeout: 2 });
    return true;
  } catch {
    return false;
  }
}
