/** An `<ssl>` section and a server, in the words of docs/cli.md. */
export interface Row {
  readonly what: string;
  /** Whether ZEO's client and this one connect. */
  readonly connects: readonly [python: boolean, here: boolean];
  /** What the section has instead of a good certificate with its key, and the authority; names of files but for the hosts. */
  readonly keys?: Readonly<Record<string, string>>;
  readonly server?: string;
}

const yes = [true, true] as const;
const no = [false, false] as const;

export const rows: readonly Row[] = [
  { what: 'a file with the authority', connects: yes },
  { what: 'a bundle of several authorities', connects: yes, keys: { authenticate: 'bundle' } },
  {
    what: 'the authority as OpenSSL’s TRUSTED CERTIFICATE',
    connects: yes,
    keys: { authenticate: 'trusted' },
  },
  { what: 'another authority', connects: no, keys: { authenticate: 'stranger' } },
  {
    what: 'a directory that was rehashed, with a directory and a dangling link in it',
    connects: yes,
    keys: { authenticate: 'hashed' },
  },
  { what: 'a directory that was not rehashed', connects: no, keys: { authenticate: 'unhashed' } },
  { what: 'only the authorities of the system', connects: no, keys: { authenticate: '' } },
  {
    what: 'a self-signed certificate of the server itself',
    connects: yes,
    keys: { authenticate: 'selfSigned' },
    server: 'selfSigned',
  },
  { what: 'a server with an intermediate authority', connects: yes, server: 'chained' },
  { what: 'a server whose certificate has expired', connects: no, server: 'expired' },
  { what: 'a server whose certificate is not valid yet', connects: no, server: 'early' },
  {
    what: 'a server whose certificate has no authorityKeyIdentifier',
    connects: [false, true],
    server: 'lax',
  },
  { what: 'a list that revokes the server’s certificate', connects: no, keys: { authenticate: 'revoking' } },
  {
    what: 'a list that revokes another certificate',
    connects: yes,
    keys: { authenticate: 'revokingOthers' },
  },
  {
    what: 'a list in a rehashed directory that revokes the server’s certificate',
    connects: yes,
    keys: { authenticate: 'hashedList' },
  },
  { what: 'a list that has expired', connects: no, keys: { authenticate: 'oldList' } },
  { what: 'a list of another authority', connects: no, keys: { authenticate: 'strangersList' } },
  {
    what: 'a list of the intermediate authority alone',
    connects: [true, false],
    keys: { authenticate: 'listOfIntermediate' },
    server: 'chained',
  },
  {
    what: 'lists of both authorities, which revoke nothing',
    connects: yes,
    keys: { authenticate: 'bothLists' },
    server: 'chained',
  },
  {
    what: 'a list that revokes the intermediate authority',
    connects: [true, false],
    keys: { authenticate: 'intermediateRevoked' },
    server: 'chained',
  },
  {
    what: 'a client certificate with its key in one file',
    connects: yes,
    keys: { certificate: 'both', key: '' },
  },
  {
    what: 'a client certificate that has expired',
    connects: no,
    keys: { certificate: 'expiredClient.crt', key: 'expiredClient.key' },
  },
  {
    what: 'a client certificate that is not valid yet',
    connects: no,
    keys: { certificate: 'earlyClient.crt', key: 'earlyClient.key' },
  },
  {
    what: 'a client certificate that the server’s list revokes',
    connects: no,
    keys: { certificate: 'revokedClient.crt', key: 'revokedClient.key' },
  },
  {
    what: 'a client certificate of another authority',
    connects: no,
    keys: { certificate: 'strange.crt', key: 'strange.key' },
  },
  { what: 'the key of another certificate', connects: no, keys: { key: 'strange.key' } },
  {
    what: 'an encrypted key and its passphrase',
    connects: yes,
    keys: { key: 'encrypted', 'password-function': 'passphrases.right' },
  },
  {
    what: 'an encrypted key and another passphrase',
    connects: no,
    keys: { key: 'encrypted', 'password-function': 'passphrases.wrong' },
  },
  { what: 'a file that does not exist', connects: no, keys: { certificate: 'missing' } },
  { what: 'a file that is not a certificate', connects: no, keys: { certificate: 'client.key' } },
  {
    what: 'a server-hostname that the certificate does not have',
    connects: no,
    keys: { 'server-hostname': 'zodb.org' },
  },
  { what: 'a server-hostname that it has', connects: yes, keys: { 'server-hostname': 'localhost' } },
  { what: 'check-hostname false', connects: yes, keys: { 'check-hostname': 'false' }, server: 'elsewhere' },
  { what: 'a certificate for another host', connects: no, server: 'elsewhere' },
];

/** What the functions in passphrases.py return, which only Python can call. */
export const passphrases: Readonly<Record<string, string>> = {
  'passphrases.right': 'secret',
  'passphrases.wrong': 'other',
};
