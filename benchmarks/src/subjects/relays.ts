/* What clients can be connected through: each is started as a process of its own, listening on a free port. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { processUs, rssBytes } from '../harness/cpu.js';

/** A way to a server. */
export class Way implements AsyncDisposable {
  /** What a client connects to. */
  readonly address: string;
  readonly #process: ChildProcess | undefined;
  readonly #folder: string | undefined;

  private constructor(address: string, process?: ChildProcess, folder?: string) {
    this.address = address;
    this.#process = process;
    this.#folder = folder;
  }

  /** Resolves when the server's greeting comes through. */
  static async open(kind: RelayKind, server: string): Promise<Way> {
    const relay = relays[kind];
    if (relay === undefined) return new Way(server);
    const listen = `127.0.0.1:${await freePort()}`;
    const folder = mkdtempSync(path.join(tmpdir(), 'zeo-relay-'));
    const [command = '', ...args] = relay(listen, server, folder);
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    const way = new Way(listen, child, folder);
    try {
      await Promise.race([greeting(listen), ended(child, kind)]);
    } catch (error) {
      await way[Symbol.asyncDispose]();
      throw error;
    }
    return way;
  }

  /** CPU time of its process so far, in microseconds. */
  get cpuUs(): number {
    return processUs(this.#pid);
  }

  /** Its memory; of `direct`, where there is no process, `NaN`. */
  get rssBytes(): number {
    return rssBytes(this.#pid, 'VmRSS');
  }

  /** The most that it ever was. */
  get peakRssBytes(): number {
    return rssBytes(this.#pid, 'VmHWM');
  }

  /** With SIGTERM, so that it can write a profile. */
  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#process;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    }
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true });
  }

  get #pid(): number | undefined {
    return this.#process?.pid;
  }
}

/** The command line of a relay; `undefined` to connect to the server itself. */
type Relay = ((listen: string, server: string, folder: string) => readonly string[]) | undefined;

const node = (module: string, ...args: readonly string[]) => [
  process.execPath,
  ...process.execArgv,
  fileURLToPath(new URL(module, import.meta.url)),
  ...args,
];

/** While ZEO's server takes a record of 64 MiB, it answers nobody for many seconds: all wait for longer than usual. */
const relays = {
  direct: undefined,
  'bare pipe': (listen, server) => node('../processes/bare-pipe.js', listen, server),
  HAProxy: (listen, server, folder) =>
    haproxy(folder, {
      listen,
      server: `${server} check inter 1s fall 2 on-marked-down shutdown-sessions`,
    }),
  'HAProxy, tuned': (listen, server, folder) =>
    haproxy(folder, {
      global: ['tune.bufsize 1048576'],
      listen,
      options: [
        'timeout check 60s',
        'option tcp-check',
        'tcp-check expect rstring [ZM]5',
        'option srvtcpka',
        'srvtcpka-idle 1s',
        'srvtcpka-intvl 1s',
        'srvtcpka-cnt 2',
      ],
      server: `${server} check inter 1s fall 2 on-marked-down shutdown-sessions tcp-ut 60s`,
    }),
  guard: (listen, server) =>
    node(
      '../../../dist/src/cli/main.js',
      'guard',
      ...['--period', '10', '--timeout', '60'],
      `${listen}=${server}`,
    ),
} satisfies Record<string, Relay>;

export type RelayKind = keyof typeof relays;

/** Those that can be run here. */
export function relayKinds(): readonly RelayKind[] {
  const kinds = Object.keys(relays) as RelayKind[];
  return hasHaproxy() ? kinds : kinds.filter((kind) => !kind.startsWith('HAProxy'));
}

export function hasHaproxy(): boolean {
  try {
    execFileSync('haproxy', ['-v'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

interface HaproxyOptions {
  readonly global?: readonly string[];
  readonly listen: string;
  readonly options?: readonly string[];
  readonly server: string;
}

function haproxy(folder: string, { global = [], listen, options = [], server }: HaproxyOptions) {
  const file = path.join(folder, 'haproxy.cfg');
  const section = (head: string, lines: readonly string[]) => `${[head, ...lines].join('\n  ')}\n`;
  const proxy = [
    'mode tcp',
    `bind ${listen}`,
    'timeout connect 2s',
    'timeout client 1h',
    'timeout server 1h',
  ];
  writeFileSync(
    file,
    section('global', ['maxconn 2000', ...global]) +
      section('listen zeo', [...proxy, ...options, `server zeo ${server}`]),
  );
  return ['haproxy', '-db', '-q', '-f', file];
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function greeting(address: string): Promise<void> {
  while (!(await greets(address))) await sleep(50);
}

function greets(address: string): Promise<boolean> {
  const [host = '', port = ''] = address.split(':');
  const socket = connect({ host, port: Number(port) });
  return new Promise((resolve) => {
    const conclude = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.once('data', () => conclude(true));
    socket.once('close', () => conclude(false));
    socket.on('error', () => {});
  });
}

async function ended(child: ChildProcess, kind: string): Promise<never> {
  await once(child, 'spawn');
  const [code] = await once(child, 'exit');
  throw new Error(`${kind} ended with ${code}`);
}
