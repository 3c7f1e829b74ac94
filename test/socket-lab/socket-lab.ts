import { execFileSync } from 'node:child_process';
import { systemClock } from '#src/async/clock.js';
import { missingForKernelFaults } from '../faults/kernel/networks/missing.js';
import { TwoHosts } from '../faults/kernel/networks/two-hosts.js';
import { CertificateAuthority } from '../tls/certificates.js';
import { LabProcess, type LabProcessOptions } from './lab-process.js';
import type {
  AppCommand,
  AppEvent,
  NodeServersConfig,
  ServersEvent,
  WitnessCommand,
  WitnessEvent,
} from './messages.js';
import { type ProgramName, programs } from './servers/programs.js';
import { executableOf, startServer } from './servers/server-program.js';

export type App = LabProcess<AppCommand | WitnessCommand, AppEvent | WitnessEvent>;

/** Settings of an agent, in seconds. */
export interface Times {
  readonly period: number;
  readonly timeout: number;
  /** Of adapters; by default theirs. */
  readonly hangTimeout?: number;
}

export interface AppOptions {
  readonly alone?: boolean;
  readonly times?: Times | undefined;
  readonly watched?: 'sockets' | 'registry';
}

/** Those of the agent in the lab, unless others are wanted. */
export const period = 1;
export const timeout = 1;

/** Why the lab cannot run here, or not with these servers; `undefined` when it can. */
export function missingForSockets(wanted: readonly ProgramName[] = []): string | undefined {
  const absent = wanted.filter((name) => executableOf(programs[name]) === undefined);
  const packages = absent.map((name) => programs[name].debianPackage);
  return missingForKernelFaults() ?? (packages.length > 0 ? `no ${packages.join(', ')}` : undefined);
}

/** Two computers: one with servers, at as many addresses as there are clients on the other. */
export class SocketLab implements AsyncDisposable {
  readonly rig = new TwoHosts();
  readonly #authority: CertificateAuthority;
  readonly #running: AsyncDisposable[] = [];

  private constructor(authority: CertificateAuthority) {
    this.#authority = authority;
  }

  /** With Node's servers, and these. */
  static async start(wanted: readonly ProgramName[] = []): Promise<SocketLab> {
    const lab = new SocketLab(await CertificateAuthority.create());
    const launcher = ['ip', 'netns', 'exec', lab.rig.server.namespace];
    try {
      const begun = await Promise.allSettled([
        lab.#startNodeServers(),
        ...wanted.map(async (name) => lab.#running.push(await startServer(programs[name], launcher))),
      ]);
      for (const start of begun) if (start.status === 'rejected') throw start.reason;
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
    return lab;
  }

  /** So many addresses of the server's computer. */
  hosts(count: number): string[] {
    return this.rig.addresses(count).map((address) => address.split(':')[0] as string);
  }

  /** From now on no packet reaches the host, nor comes from it. @returns the moment just before */
  cut(host: string): number {
    return this.rig.cut(host, 'both ways');
  }

  /** All paths are there again, or only that to this host. */
  heal(host?: string): void {
    if (host === undefined) this.rig.server.heal();
    else this.rig.server.filter([`-D INPUT -d ${host} -j DROP`, `-D OUTPUT -s ${host} -j DROP`]);
  }

  /** Every process of the server's computer stands still. @returns the moment just before */
  stopServers(): number {
    const pids = this.#serverPids();
    const atMs = systemClock.now();
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    return atMs;
  }

  resumeServers(): void {
    for (const pid of this.#serverPids()) process.kill(pid, 'SIGCONT');
  }

  /**
   * An application that the agent watches over by `--import`, unless it is to run alone: all its sockets, or what it opens in the
   * registry.
   */
  async startApp({
    alone = false,
    times = { period, timeout },
    watched = 'sockets',
    env,
    ...options
  }: Partial<LabProcessOptions> & AppOptions = {}): Promise<App> {
    const hooks = [new URL('witness.js', import.meta.url), import.meta.resolve('zeo-keepalive/register')];
    const app: App = new LabProcess({
      computer: this.rig.client,
      script: './app.js',
      config: { ca: this.#authority.cert },
      nodeOptions: alone ? [] : hooks.flatMap((hook) => ['--import', String(hook)]),
      env: {
        ...(watched === 'sockets' ? { ZEO_KEEPALIVE_SOCKETS: 'all' } : {}),
        ZEO_KEEPALIVE_PERIOD: String(times.period),
        ZEO_KEEPALIVE_TIMEOUT: String(times.timeout),
        ...(times.hangTimeout === undefined ? {} : { ZEO_KEEPALIVE_HANG_TIMEOUT: String(times.hangTimeout) }),
        ...env,
      },
      ...options,
    });
    try {
      await app.until('the application is ready', () => app.all('ready').length > 0);
      // The thread starts when the application has.
      if (!alone) await app.until('its agent has a thread', () => app.all('started').length > 0);
    } catch (error) {
      await app[Symbol.asyncDispose]();
      throw error;
    }
    return app;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running.map((running) => running[Symbol.asyncDispose]()));
    // What a server left behind, such as Erlang's port mapper. Nobody else is on this computer.
    for (const pid of this.#serverPids()) process.kill(pid, 'SIGKILL');
    this.rig[Symbol.dispose]();
    await this.#authority.remove();
  }

  #serverPids(): number[] {
    const pids = execFileSync('ip', ['netns', 'pids', this.rig.server.namespace], { encoding: 'utf8' });
    return pids.split('\n').filter(Boolean).map(Number);
  }

  async #startNodeServers(): Promise<void> {
    const config: NodeServersConfig = await this.#authority.server();
    const servers = new LabProcess<never, ServersEvent>({
      computer: this.rig.server,
      script: './servers/node-servers.js',
      config: { cert: config.cert, key: config.key },
    });
    this.#running.push(servers);
    await servers.until('the servers of Node listen', () => servers.all('listening').length > 0);
  }
}
