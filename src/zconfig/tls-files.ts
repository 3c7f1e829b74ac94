/* The files of an `<ssl>` section, with the meaning that ZEO's client gives them (`ZEO/zconfig.py: ssl_config`). */
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { createSecureContext } from 'node:tls';
import { KeepAliveError } from '../model/errors.js';
import type { TlsOptions } from '../zeo/connection/tls.js';
import type { SslConfig } from './ssl-section.js';

/** Where Debian, Fedora, openSUSE and Alpine or BSD keep the authorities that the machine trusts. */
const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** The names under which OpenSSL finds a certificate in a directory: the hash of its subject (`openssl rehash`). */
const hashedName = /^[0-9a-f]{8}\.\d+$/;
/** What becomes of an encrypted key without a passphrase differs between versions of OpenSSL. */
const encryptedKeyCodes: ReadonlySet<string> = new Set([
  'ERR_MISSING_PASSPHRASE',
  'ERR_OSSL_BAD_DECRYPT',
  'ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED',
  'ERR_OSSL_EVP_BAD_DECRYPT',
]);
const crlPattern = /-----BEGIN X509 CRL-----[\s\S]*?-----END X509 CRL-----/g;

/** The paths that an `<ssl>` section names; on a command line the certificate may be missing. */
export interface TlsFiles extends Omit<SslConfig, 'certificate'> {
  readonly certificate: string | undefined;
  /** Of the key. */
  readonly passphrase?: string | undefined;
}

/**
 * @param where begins an error: file, line and client, or the option
 * @throws KeepAliveError `ERR_ZEO_INVALID_ARGUMENT`, which never contains a certificate or key
 */
export async function readTls(ssl: TlsFiles, where: string): Promise<TlsOptions> {
  // Without the passphrase a healthy server would be reported dead.
  if (ssl.passwordFunction !== undefined && ssl.passphrase === undefined)
    throw invalid(`${where} has a password-function, which only Python can call`);
  const { certificate, key = certificate, passphrase, authenticate, serverHostname } = ssl;
  return {
    ...(certificate !== undefined &&
      key !== undefined &&
      (await readPair({ certificate, key, passphrase }, where))),
    ...(authenticate !== undefined && (await readAuthorities(authenticate, where))),
    ...(serverHostname !== undefined && { servername: serverHostname }),
    ...(!ssl.checkHostname && { checkServerIdentity: () => undefined }),
  };
}

/** The same for a client: it trusts the authorities of the system, if no others are named. */
export async function readClientTls(ssl: TlsFiles, where: string): Promise<TlsOptions> {
  const options = await readTls(ssl, where);
  return options.ca === undefined ? { ...options, ...(await systemAuthorities(where)) } : options;
}

async function readPair(
  { certificate, key, passphrase }: Pick<TlsFiles, 'passphrase'> & { certificate: string; key: string },
  where: string,
): Promise<Pick<TlsOptions, 'cert' | 'key' | 'passphrase'>> {
  const pair = {
    ...{ cert: await read(certificate, where), key: await read(key, where) },
    ...(passphrase !== undefined && { passphrase }),
  };
  try {
    createSecureContext(pair);
  } catch (cause) {
    throw invalid(
      `${where} has certificate ${certificate} with key ${key}: ${whyUnusable(cause, passphrase)}`,
      cause,
    );
  }
  return pair;
}

async function readAuthorities(authenticate: string, where: string): Promise<Pick<TlsOptions, 'ca' | 'crl'>> {
  const isDirectory = await stat(authenticate).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isDirectory) return { ca: await certificatesIn(authenticate, where) };
  const ca = await read(authenticate, where);
  // Without any, Node would trust every authority that it knows.
  if (!hasCertificate(ca))
    throw invalid(`${where} trusts ${authenticate}, which holds no certificate; expected some in PEM`);
  const crl = ca.match(crlPattern) ?? [];
  return crl.length === 0 ? { ca } : { ca, crl };
}

async function certificatesIn(directory: string, where: string): Promise<string[]> {
  const found = await hashedCertificates(directory).catch((cause) => {
    throw unreadable(directory, where, cause);
  });
  if (found.length > 0) return found;
  throw invalid(
    `${where} trusts the directory ${directory}, in which OpenSSL finds no certificate; expected some with names as \`openssl rehash\` makes`,
  );
}

/** What else there is, such as a directory or a link that leads nowhere, OpenSSL does not look at either. */
async function hashedCertificates(directory: string): Promise<string[]> {
  const names = (await readdir(directory)).filter((name) => hashedName.test(name));
  const read = names.map((name) => readFile(path.join(directory, name), 'utf8').catch(() => undefined));
  return (await Promise.all(read)).filter((text) => text !== undefined).filter(hasCertificate);
}

/**
 * Those of the system, as Python's `load_default_certs` takes them, or those that the variables of OpenSSL name. Where there is
 * neither, those of Node.
 */
async function systemAuthorities(where: string): Promise<Pick<TlsOptions, 'ca'>> {
  const { SSL_CERT_FILE: file, SSL_CERT_DIR: directories } = process.env;
  const named = (directories ?? '').split(path.delimiter).filter((directory) => directory !== '');
  const ca = (await Promise.all(named.map((one) => hashedCertificates(one).catch(() => [])))).flat();
  const files = file !== undefined ? [file] : named.length === 0 ? systemBundles : [];
  for (const bundle of files) {
    const text = await readFile(bundle, 'utf8').catch(() => '');
    if (!hasCertificate(text)) continue;
    ca.push(text);
    break;
  }
  if (ca.length > 0) return { ca };
  if (file === undefined && named.length === 0) return {};
  const variable = file === undefined ? 'SSL_CERT_DIR' : 'SSL_CERT_FILE';
  throw invalid(
    `${where} trusts the authorities of the system; expected certificates where ${variable} says, ${file ?? directories}, found none`,
  );
}

function hasCertificate(pem: string): boolean {
  return /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/.test(pem);
}

function read(file: string, where: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw unreadable(file, where, cause);
  });
}

function unreadable(path: string, where: string, cause: NodeJS.ErrnoException): KeepAliveError {
  return invalid(`${where} needs ${path}, which cannot be read: ${cause.code}`, cause);
}

function whyUnusable(cause: unknown, passphrase: string | undefined): string {
  const { code = '' } = cause as NodeJS.ErrnoException;
  if (code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH') return 'the key is of another certificate';
  if (encryptedKeyCodes.has(code)) {
    const expected = passphrase === undefined ? 'one without a passphrase' : 'one with another passphrase';
    return `the key is encrypted; expected ${expected}`;
  }
  return `expected both in PEM; OpenSSL failed with ${code}`;
}

function invalid(message: string, cause?: unknown): KeepAliveError {
  return new KeepAliveError('ERR_ZEO_INVALID_ARGUMENT', message, cause === undefined ? {} : { cause });
}
