/**
 * A client and a server that others wrote, for the demonstration: `ioredis` with Redis, or `pg` with PostgreSQL, where both
 * are installed.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The only address of the demonstration's own network, in which every port is free. */
export const address = '127.0.0.1';

/** One client, with a connection of its own. */
export interface Client {
  /** Resolves when the server has answered. After a lost connection it makes another one. */
  call(): Promise<unknown>;
}

/** A server that runs until it is disposed of, or this process ends. */
export interface RealServer extends AsyncDisposable, Pick<Kind, 'client' | 'server' | 'port'> {
  /** A new client, which has had an answer. */
  connect(): Promise<Client>;
}

interface Kind {
  /** The package of the client. */
  readonly client: string;
  readonly server: string;
  readonly port: number;
  /** Ends the server at once, and lets it clean up after itself. */
  readonly endSignal: NodeJS.Signals;
  /** What becomes another command, with that as its arguments. */
  readonly launcher: readonly string[];
  /**
   * Makes what the server needs in its folder, which is empty, and returns its command.
   *
   * @throws Error when it is not installed
   */
  prepare(folder: string): readonly string[];
  /** @throws Error when the client is not installed */
  load(): Promise<() => Client>;
}

const startWithinMs = 5000;
const retryMs = 50;

const redis: Kind = {
  client: 'ioredis',
  server: 'Redis',
  port: 6379,
  endSignal: 'SIGTERM',
  launcher: [],
  prepare: () => [programPath('redis-server'), '--bind', address, '--save', ''],
  async load() {
    const { Redis } = await import('ioredis');
    return () => {
      const client = new Redis({ host: address });
      client.on('error', () => {});
      return { call: () => client.ping() };
    };
  },
};

const postgresql: Kind = {
  client: 'pg',
  server: 'PostgreSQL',
  port: 5432,
  endSignal: 'SIGQUIT',
  // It refuses to run as root, which the demonstration seems to be in its network.
  launcher: ['unshare', '--map-user=65534', '--map-group=65534'],
  prepare(folder) {
    const data = path.join(folder, 'data');
    const options = ['--auth=trust', '--username=postgres', '--no-sync', '--no-locale', data];
    const [command = '', ...args] = [...this.launcher, programPath('initdb'), ...options];
    execFileSync(command, args, { stdio: 'ignore' });
    return [programPath('postgres'), '-D', data, '-h', address, '-k', '', '-F'];
  },
  async load() {
    const { default: pg } = await import('pg');
    return () => {
      const pool = new pg.Pool({ host: address, user: 'postgres', database: 'postgres' });
      pool.on('error', () => {});
      return { call: () => pool.query('select 1') };
    };
  },
};

/** Starts the first server that is installed with its client. Resolves to `undefined` without any. */
export async function startRealServer(): Promise<RealServer | undefined> {
  for (const kind of [redis, postgresql]) {
    try {
      return await start(kind);
    } catch {
      // Not installed, but perhaps the next one is.
    }
  }
  return undefined;
}

async function start(kind: Kind): Promise<RealServer> {
  const { client, server, port, endSignal, launcher } = kind;
  const open = await kind.load();
  const folder = mkdtempSync(path.join(tmpdir(), 'zeo-keepalive-demo-'));
  const connect = () => answered(open(), startWithinMs);
  let child: ChildProcess | undefined;
  const end = async () => {
    if (child?.kill(endSignal)) await once(child, 'exit');
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const untilParentEnds = ['setpriv', '--pdeathsig', endSignal.slice(3)];
    const [command = '', ...args] = [...launcher, ...untilParentEnds, ...kind.prepare(folder)];
    child = spawn(command, args, { cwd: folder, stdio: 'ignore' });
    await Promise.race([connect(), failed(child)]);
    return { client, server, port, connect, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Has the client call until it gets an answer, and resolves to it. */
export async function answered(client: Client, withinMs: number): Promise<Client> {
  for (const untilMs = performance.now() + withinMs; ; await sleep(retryMs)) {
    try {
      await client.call();
      return client;
    } catch (error) {
      if (performance.now() > untilMs) throw error;
    }
  }
}

async function failed(child: ChildProcess): Promise<never> {
  const [code] = await once(child, 'exit');
  throw new Error(`The server has ended with code ${code}`);
}

/** Of a program in `PATH`, or of PostgreSQL's, which Debian keeps elsewhere, by version. */
function programPath(name: string): string {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root) : [];
  const folders = [
    ...(process.env.PATH ?? '').split(path.delimiter),
    ...versions.map((version) => path.join(root, version, 'bin')),
  ];
  const found = folders.map((folder) => path.join(folder, name)).find((file) => existsSync(file));
  if (found === undefined) throw new Error(`${name} is not installed`);
  return found;
}
