// A server of the fault lab: the embedded one, or ZEO's own. Run by ServerProcess.
import { cp, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MemoryStorage, ZeoServer } from 'zeo-keepalive/testing';
import { openPythonClient } from '../../../support/python/client.js';
import type { ZeoVersion } from '../../../support/python/environments.js';
import { PythonZeoServer, startZeoServer } from '../../../support/python/zeo-server.js';
import { serverPort } from '../networks/network.js';
import { rootOid, type ServerCommand, type ServerConfig, type ServerEvent } from './server-process.js';

interface Served {
  readonly pid: number;
  readonly directory?: string;
  commit(): Promise<string>;
  stop(): Promise<void>;
}

const listenOn = { host: '0.0.0.0', port: serverPort };

async function serveEmbedded({
  startedAt = Date.now(),
  pauses = {},
  maxBufferedBytes,
}: ServerConfig): Promise<Served> {
  let now = () => startedAt;
  const storage = new MemoryStorage({ now: () => now() });
  let commits = 0;
  const commit = async () => {
    commits += 1;
    return Buffer.from(storage.commit([{ oid: rootOid, data: Buffer.from(`state ${commits}`) }])).toString(
      'hex',
    );
  };
  await commit();
  now = Date.now;
  const server = await ZeoServer.listen({
    ...listenOn,
    storages: new Map([['1', storage]]),
    ...(maxBufferedBytes !== undefined && { maxBufferedBytes }),
  });
  server.on('call', ({ connection, method }) => {
    const pauseMs = pauses[connection.remoteAddress.split(':')[0] as string];
    if (method !== 'storea' || pauseMs === undefined) return;
    connection.silence();
    setTimeout(() => connection.resume(), pauseMs);
  });
  return { pid: process.pid, commit, stop: () => server.close() };
}

async function servePython(version: ZeoVersion, { copyOf, tls }: ServerConfig): Promise<Served> {
  const server =
    copyOf === undefined
      ? await startZeoServer({ version, ...listenOn, ...(tls && { tls: tls.server }) })
      : await serveCopy(version, copyOf);
  let commits = 0;
  const commit = async () => {
    commits += 1;
    const client = await openPythonClient(version, {
      address: ['127.0.0.1', serverPort],
      ...(tls && { tls: tls.client }),
    });
    try {
      // Creates the root object if there is none yet.
      await client.call('open_db');
      return await client.call<string>('set', { key: 'state', value: commits });
    } finally {
      await client.close();
    }
  };
  if (copyOf === undefined) await commit();
  return { pid: server.pid, directory: server.directory, commit, stop: () => server.stop() };
}

async function serveCopy(version: ZeoVersion, original: string): Promise<PythonZeoServer> {
  const directory = await mkdtemp(path.join(tmpdir(), 'zeo-server-'));
  // A file storage only ever appends, so a copy of a running one holds every finished transaction.
  await cp(path.join(original, 'Data.fs'), path.join(directory, 'Data.fs'));
  const server = new PythonZeoServer(directory, { version, ...listenOn });
  await server.start();
  return server;
}

const config = JSON.parse(process.argv[2] as string) as ServerConfig;
const report = (event: ServerEvent) => process.connected && process.send?.(event);
const serving =
  config.kind === 'embedded'
    ? serveEmbedded(config)
    : servePython(config.kind.replace('zeo-', '') as ZeoVersion, config);

const end = async () => {
  const served = await serving.catch(() => undefined);
  await served?.stop();
  process.exit();
};
process.on('disconnect', end);
// The parent may have gone before there was a listener.
if (!process.connected) await end();
const served = await serving;
process.on('message', async ({ type }: ServerCommand) => {
  if (type === 'commit') report({ type: 'committed', tid: await served.commit() });
});
report({ type: 'listening', directory: served.directory, pid: served.pid });
