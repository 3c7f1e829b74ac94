import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Computer } from '../faults/kernel/networks/network.js';

export interface HaproxyOptions {
  readonly listens: readonly string[];
  /** The second one is a backup. */
  readonly servers: readonly [string, string];
  readonly isTuned: boolean;
}

/** Why HAProxy cannot be compared with here; `undefined` when it can. */
export function missingHaproxy(): string | undefined {
  try {
    execFileSync('haproxy', ['-v'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'no haproxy in PATH (the package haproxy)';
  }
}

/** HAProxy on one of the network's computers, as it is usually configured or tuned to find what is dead. */
export class Haproxy implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #folder: string;

  constructor(computer: Computer, options: HaproxyOptions) {
    this.#folder = mkdtempSync(path.join(tmpdir(), 'guard-lab-'));
    const file = path.join(this.#folder, 'haproxy.cfg');
    writeFileSync(file, configuration(options));
    const args = ['setpriv', '--pdeathsig', 'KILL', 'haproxy', '-db', '-q', '-f', file];
    const [command = '', ...rest] = [...computer.launcher, ...args];
    this.#process = spawn(command, rest, { stdio: ['ignore', 'ignore', 'inherit'] });
    this.#exited = once(this.#process, 'exit');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exited;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const tuning = [
  'timeout check 1s',
  'option tcp-check',
  'tcp-check expect string Z5',
  'option srvtcpka',
  'srvtcpka-idle 1s',
  'srvtcpka-intvl 1s',
  'srvtcpka-cnt 2',
];

function configuration({ listens, servers, isTuned }: HaproxyOptions): string {
  const check = `check inter 1s fall 2 on-marked-down shutdown-sessions${isTuned ? ' tcp-ut 2s' : ''}`;
  const sections = listens.map((listen) => [
    `listen ${listen}`,
    'mode tcp',
    `bind ${listen}`,
    'timeout connect 2s',
    'timeout client 1h',
    'timeout server 1h',
    ...(isTuned ? tuning : []),
    `server first ${servers[0]} ${check}`,
    `server second ${servers[1]} ${check} backup`,
  ]);
  return ['global', 'maxconn 2000', ...sections.flat(), ''].join('\n');
}
