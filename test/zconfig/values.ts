const servers = [
  ...['8100', ':8100', '08100', 'a:1', 'A.Example.ORG:65535', '127.0.0.1:1', '[::1]:8100', '[FE80::1]:1'],
  ...['/run/zeo.sock', './zeo.sock', 'var/zeo.sock', '/run/my zeo/zeo.sock', '/run/Zeo.sock'],
].map((server) => `server ${server}`);
const settings = [
  ...['on', 'ON', 'yes', 'True', 'off', 'No', 'FALSE'].map((value) => `read-only ${value}`),
  ...['on', 'off'].map((value) => `Read-Only-Fallback ${value}`),
  ...['1', 'main', 'a b', '$$x', 'ä'].map((value) => `storage ${value}`),
  ...['', 'a name', 'zeostorage'].map((value) => `name ${value}`),
  ...['web3', 'a b'].map((value) => `client-label ${value}`),
  ...['0', '1024', '20MB', '20mb', '20 MB', '1gB', '+5kb', '1_000'].map((value) => `cache-size ${value}`),
  ...['0', '-3', '+7', '1_0', '007'].map((value) => `blob-cache-size-check ${value}`),
  'blob-cache-size -1',
  'blob-dir /x',
  'shared-blob-dir yes',
].map((line) => `server a:1\n${line}`);
const wrong = [
  ...['', 'a b', 'a:x', 'a:65536', 'a:-1', '65536 x'].map((value) => `server ${value}`),
  ...['1', '0', 'y', 't', 'enabled', '', 'on off', '$$'].map((value) => `server a:1\nread-only ${value}`),
  ...['', 'x', '1.5', '1.5MB', '1TB', 'MB', '0x10', '1__0', '_1', '1_', '- 1', '1 0'].map(
    (value) => `server a:1\ncache-size ${value}`,
  ),
  ...['', 'x', '1.5', '1e3', '10%'].map((value) => `server a:1\nblob-cache-size-check ${value}`),
  ...['unknown 1', 'read_only on', 'readonly on', 'server-name a'].map((line) => `server a:1\n${line}`),
  ...['storage 1\nstorage 1', 'Name a\nnAME b'].map((lines) => `server a:1\n${lines}`),
  'storage 1',
  'server a:1\n<filestorage>\npath x\n</filestorage>',
  'server a:1\n<zeoclient>\nserver a:1\n</zeoclient>',
];
const own = {
  zeoclient: {
    taken: [
      'wait off',
      'wait on',
      'min-disconnect-poll 5',
      'realm ZEO',
      'client x',
      'username a\npassword b',
    ],
    wrong: ['wait 5', 'wait', 'max-disconnect-poll 5s', 'password a\npassword a'],
  },
  clientstorage: {
    taken: ['wait-timeout 0', 'wait-timeout 12', 'wait-timeout 1_0', 'server-sync on', 'cache-path x'],
    wrong: ['wait-timeout 1h', 'wait-timeout 1.5', 'wait-timeout', 'server-sync 1'],
  },
};

const withServer = (line: string) => `server a:1\n${line}`;

/** Lines of sections that ZODB and ZEO accept, and which mean the same here. */
export const takenValues = {
  zeoclient: [...servers, ...settings, ...own.zeoclient.taken.map(withServer)],
  clientstorage: [...servers, ...settings, ...own.clientstorage.taken.map(withServer)],
};

/** Lines of sections that neither they nor this package accept. */
export const wrongValues = {
  zeoclient: [...wrong, ...own.zeoclient.wrong.map(withServer)],
  clientstorage: [...wrong, ...own.clientstorage.wrong.map(withServer)],
};
