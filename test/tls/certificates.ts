import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before } from 'node:test';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** A key and its certificate: the files for Python, what is in them for Node. */
export interface KeyPair {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

/** An authority with a certificate for a server and one for a client. */
export class SuiteCertificates {
  authority!: CertificateAuthority;
  server!: KeyPair;
  client!: KeyPair;

  /** From before the tests of the suite that calls it until after them. */
  static make(): SuiteCertificates {
    const made = new SuiteCertificates();
    before(async () => {
      made.authority = await CertificateAuthority.create();
      made.server = await made.authority.server();
      made.client = await made.authority.client();
    });
    after(() => made.authority?.remove());
    return made;
  }

  /** For Node's server, whose clients need a certificate of the authority. */
  get listening() {
    return this.#optionsOf(this.server);
  }

  /** For Node's client. */
  get connecting() {
    return this.#optionsOf(this.client);
  }

  #optionsOf({ cert, key }: KeyPair) {
    return { cert, key, ca: this.authority.cert };
  }
}

/** The time in which something is valid, as `YYYYMMDDHHMMSSZ`. */
export type Validity = readonly [from: string, to: string];
export const past: Validity = ['20200101000000Z', '20200102000000Z'];
export const future: Validity = ['20900101000000Z', '20900102000000Z'];

export interface Issuing {
  /** Default: from now on for two days. */
  readonly validity?: Validity;
  /** Without this extension of those that Python's strict verification wants to see. */
  readonly without?: string;
}

/** A certificate authority of a test's own, in a temporary directory, made with the `openssl` command. */
export class CertificateAuthority {
  readonly #directory: string;
  readonly #own: KeyPair;

  private constructor(directory: string, own: KeyPair) {
    this.#directory = directory;
    this.#own = own;
  }

  static async create(name = 'The test’s authority'): Promise<CertificateAuthority> {
    const directory = await mkdtemp(path.join(tmpdir(), 'zeo-tls-'));
    return new CertificateAuthority(directory, await issue(directory, 'authority', name, ofAuthority));
  }

  /** An authority whose certificate this one has issued. It is removed with this one. */
  async intermediate(name: string): Promise<CertificateAuthority> {
    const directory = await mkdtemp(path.join(this.#directory, 'intermediate-'));
    const extensions = [...ofAuthority, 'authorityKeyIdentifier=keyid'];
    return new CertificateAuthority(
      directory,
      await issue(directory, 'authority', name, extensions, { issuer: this.#own }),
    );
  }

  /** What those trust who trust it: the file, and what is in it. */
  get certFile(): string {
    return this.#own.certFile;
  }

  get cert(): string {
    return this.#own.cert;
  }

  /** A server's, for `localhost` and 127.0.0.1. */
  server(name = 'server', issuing: Issuing = {}): Promise<KeyPair> {
    return this.#issue(name, ['extendedKeyUsage=serverAuth', serverNames], issuing);
  }

  client(name = 'client', issuing: Issuing = {}): Promise<KeyPair> {
    return this.#issue(name, ['extendedKeyUsage=clientAuth'], issuing);
  }

  /** A server's that no authority has issued. */
  selfSigned(): Promise<KeyPair> {
    const extensions = ['subjectKeyIdentifier=hash', 'authorityKeyIdentifier=keyid', serverNames];
    return issue(this.#directory, 'self-signed', 'self-signed', [
      'basicConstraints=critical,CA:TRUE',
      ...extensions,
    ]);
  }

  /** A list, in PEM, of certificates that it has revoked. */
  async revocationList(revoked: readonly Pick<KeyPair, 'certFile'>[], validity?: Validity): Promise<string> {
    const base = await mkdtemp(path.join(this.#directory, 'crl-'));
    const list = path.join(base, 'list.pem');
    const own = await database(base, this.#own, '[ext]\nauthorityKeyIdentifier=keyid\n');
    for (const { certFile } of revoked) await execute('openssl', [...own, '-revoke', certFile]);
    const [from, to] = validity ?? [];
    const dates = validity === undefined ? [] : ['-crl_lastupdate', `${from}`, '-crl_nextupdate', `${to}`];
    await execute('openssl', [...own, '-gencrl', ...dates, '-out', list]);
    return readFile(list, 'utf8');
  }

  async remove(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }

  /** With what Python's strict verification wants to see, which ZEO turns on. */
  #issue(name: string, extensions: readonly string[], { validity, without }: Issuing): Promise<KeyPair> {
    const all = [
      'basicConstraints=critical,CA:FALSE',
      'keyUsage=critical,digitalSignature',
      'subjectKeyIdentifier=hash',
      'authorityKeyIdentifier=keyid',
      ...extensions,
    ].flatMap((extension) => {
      if (!extension.startsWith(`${without}=`)) return [extension];
      // Unless there is to be none, the command adds one itself.
      return extension.includes('KeyIdentifier') ? [`${without}=none`] : [];
    });
    return issue(this.#directory, name, name, all, { issuer: this.#own, validity });
  }
}

const serverNames = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
const ofAuthority = [
  'basicConstraints=critical,CA:TRUE',
  'keyUsage=critical,keyCertSign,cRLSign',
  'subjectKeyIdentifier=hash',
];

async function issue(
  directory: string,
  fileName: string,
  commonName: string,
  extensions: readonly string[],
  { issuer, validity }: { issuer?: KeyPair; validity?: Validity | undefined } = {},
): Promise<KeyPair> {
  const certFile = path.join(directory, `${fileName}.crt`);
  const keyFile = path.join(directory, `${fileName}.key`);
  // A configuration of its own: what the system's adds differs from machine to machine.
  const config = path.join(directory, `${fileName}.cnf`);
  const section = `[ext]\n${extensions.join('\n')}\n`;
  const text = `[req]\nprompt=no\nutf8=yes\ndistinguished_name=dn\nx509_extensions=ext\n[dn]\nCN=${commonName}\n`;
  await writeFile(config, text + section);
  const options = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const files = ['-config', config, '-keyout', keyFile, '-out', certFile];
  const signer = issuer === undefined ? [] : ['-CA', issuer.certFile, '-CAkey', issuer.keyFile];
  if (issuer === undefined || validity === undefined)
    await execute('openssl', ['req', '-x509', '-days', '2', ...options, ...signer, ...files]);
  else {
    await execute('openssl', ['req', '-new', ...options, ...files]);
    const base = await mkdtemp(path.join(directory, 'issued-'));
    const own = await database(base, issuer, section);
    const [from, to] = validity;
    const dates = ['-startdate', from, '-enddate', to];
    await execute('openssl', [
      ...own,
      '-batch',
      '-notext',
      ...dates,
      '-in',
      certFile,
      '-out',
      `${base}/issued`,
    ]);
    await rename(`${base}/issued`, certFile);
  }
  const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
  return { certFile, keyFile, cert, key };
}

/** The beginning of a command `openssl ca`, which alone takes dates, with an empty database in a directory. */
async function database(base: string, issuer: KeyPair, section: string): Promise<readonly string[]> {
  const config = path.join(base, 'ca.cnf');
  await writeFile(path.join(base, 'index'), '');
  await writeFile(path.join(base, 'number'), '01\n');
  const files = `database=${base}/index\ncrlnumber=${base}/number\nnew_certs_dir=${base}\nrand_serial=yes\n`;
  const settings =
    'default_md=sha256\ndefault_crl_days=2\npolicy=any\nx509_extensions=ext\ncrl_extensions=ext\n';
  await writeFile(
    config,
    `[ca]\ndefault_ca=own\n[own]\n${files}${settings}[any]\ncommonName=supplied\n${section}`,
  );
  return ['ca', '-config', config, '-cert', issuer.certFile, '-keyfile', issuer.keyFile];
}
