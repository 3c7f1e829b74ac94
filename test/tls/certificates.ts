import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
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
    const extensions = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];
    const own = await issue(directory, 'authority', name, [...extensions, 'subjectKeyIdentifier=hash']);
    return new CertificateAuthority(directory, own);
  }

  /** What those trust who trust it: the file, and what is in it. */
  get certFile(): string {
    return this.#own.certFile;
  }

  get cert(): string {
    return this.#own.cert;
  }

  /** A server's, for `localhost` and 127.0.0.1. */
  server(name = 'server'): Promise<KeyPair> {
    return this.#issue(name, ['extendedKeyUsage=serverAuth', 'subjectAltName=DNS:localhost,IP:127.0.0.1']);
  }

  client(name = 'client'): Promise<KeyPair> {
    return this.#issue(name, ['extendedKeyUsage=clientAuth']);
  }

  /** A list, in PEM, of certificates that it has revoked. */
  async revocationList(revoked: readonly KeyPair[]): Promise<string> {
    const base = await mkdtemp(path.join(this.#directory, 'crl-'));
    const config = path.join(base, 'ca.cnf');
    const index = path.join(base, 'index');
    const list = path.join(base, 'list.pem');
    await writeFile(index, '');
    await writeFile(path.join(base, 'number'), '01\n');
    const settings = `database=${index}\ncrlnumber=${base}/number\ndefault_md=sha256\ndefault_crl_days=2\ncrl_extensions=ext\n`;
    const extensions = '[ext]\nauthorityKeyIdentifier=keyid\n';
    await writeFile(config, `[ca]\ndefault_ca=own\n[own]\n${settings}${extensions}`);
    const own = ['ca', '-config', config, '-cert', this.#own.certFile, '-keyfile', this.#own.keyFile];
    for (const { certFile } of revoked) await execute('openssl', [...own, '-revoke', certFile]);
    await execute('openssl', [...own, '-gencrl', '-out', list]);
    return readFile(list, 'utf8');
  }

  async remove(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }

  /** With what Python's strict verification wants to see, which ZEO turns on. */
  #issue(name: string, extensions: readonly string[]): Promise<KeyPair> {
    const all = [
      'basicConstraints=critical,CA:FALSE',
      'keyUsage=critical,digitalSignature',
      'subjectKeyIdentifier=hash',
      'authorityKeyIdentifier=keyid',
      ...extensions,
    ];
    return issue(this.#directory, name, name, all, this.#own);
  }
}

async function issue(
  directory: string,
  fileName: string,
  commonName: string,
  extensions: readonly string[],
  issuer?: KeyPair,
): Promise<KeyPair> {
  const certFile = path.join(directory, `${fileName}.crt`);
  const keyFile = path.join(directory, `${fileName}.key`);
  // A configuration of its own: what the system's adds differs from machine to machine.
  const config = path.join(directory, `${fileName}.cnf`);
  const text = `[req]\nprompt=no\nutf8=yes\ndistinguished_name=dn\nx509_extensions=ext\n[dn]\nCN=${commonName}\n`;
  await writeFile(config, `${text}[ext]\n${extensions.join('\n')}\n`);
  const options = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const signer = issuer === undefined ? [] : ['-CA', issuer.certFile, '-CAkey', issuer.keyFile];
  const files = ['-config', config, '-keyout', keyFile, '-out', certFile];
  await execute('openssl', ['req', '-x509', ...options, ...signer, ...files]);
  const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
  return { certFile, keyFile, cert, key };
}
