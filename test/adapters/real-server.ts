import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { KeepAlive, type KeepAliveEvents, type KeepAliveOptions, StorageRegistry } from 'zeo-keepalive';
import { captureLog } from '../agent/captured-log.js';
import { type ProgramName, programs } from '../socket-lab/servers/programs.js';
import {
  asAccount,
  executableOf,
  type RunningServer,
  startServer,
} from '../socket-lab/servers/server-program.js';

export const host = '127.0.0.1';

/** Why a server cannot be started here; `undefined` if it can. */
export function missingProgram(name: ProgramName): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can run servers under their own accounts';
  const { debianPackage } = programs[name];
  return executableOf(programs[name]) === undefined ? `no ${debianPackage}` : undefined;
}

/**
 * A server on a free port of this machine.
 *
 * @param more arguments after its own, or what they follow from
 */
export async function startReal(
  name: RealServerName,
  more: readonly string[] | ((port: number) => readonly string[]) = [],
): Promise<RunningServer & { readonly port: number }> {
  const port = await freePort();
  const flags = [...portFlags[name](port), ...(typeof more === 'function' ? more(port) : more)];
  const { args } = programs[name];
  // A port of the command line is one more than those of its configuration.
  const program = { ...programs[name], args: name === 'mosquitto' ? () => [] : args };
  return Object.assign(await startServer(program, [], flags), { port });
}

export type RealServerName = keyof typeof portFlags;

const portFlags = {
  postgresql: (port: number) => ['-p', `${port}`],
  redis: (port: number) => ['--port', `${port}`],
  mariadb: (port: number) => [`--port=${port}`],
  mosquitto: (port: number) => ['-p', `${port}`],
  nats: (port: number) => ['--addr', host, '--port', `${port}`],
} as const;

/** RabbitMQ, which takes its ports from the environment. */
export async function startRabbit() {
  const [port, distributionPort] = [await freePort(), await freePort()];
  let folder = '';
  const env = (its: string) => {
    folder = its;
    return {
      ...programs.rabbitmq.env(its),
      RABBITMQ_NODENAME: `adapters-${port}@localhost`,
      RABBITMQ_NODE_PORT: `${port}`,
      RABBITMQ_NODE_IP_ADDRESS: host,
      RABBITMQ_DIST_PORT: `${distributionPort}`,
    };
  };
  const server = await startServer({ ...programs.rabbitmq, env });
  /** Runs `rabbitmqctl`. */
  const control = async (...args: readonly string[]): Promise<void> => {
    const [command = '', ...before] = [...asAccount('rabbitmq'), '/usr/lib/rabbitmq/bin/rabbitmqctl'];
    await promisify(execFile)(command, [...before, ...args], { env: { ...process.env, ...env(folder) } });
  };
  return Object.assign(server, { port, control });
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** An agent that pings five times a second, with a registry and a log of its own. */
export class QuickAgent implements AsyncDisposable {
  readonly registry = new StorageRegistry();
  readonly log = captureLog();
  readonly agent: KeepAlive;
  readonly deaths: KeepAliveEvents['connectionDied'][0][] = [];
  /** The names of the connections whose pings were answered, in order. */
  readonly answered: string[] = [];

  constructor(options: KeepAliveOptions = {}) {
    const { logger } = this.log;
    this.agent = new KeepAlive({ period: 0.2, timeout: 0.3, logger, ...options }, this.registry, {});
    this.agent.on('connectionDied', (death) => this.deaths.push(death));
    this.agent.on('pingSucceeded', ({ name }) => this.answered.push(name));
    this.agent.start();
  }

  get names(): string[] {
    return this.agent.status().connections.map(({ name }) => name);
  }

  /** Resolves when pings of a connection have been answered that often from now on. */
  async pings(name: string, count = 2): Promise<void> {
    const isOf = (answered: string) => answered === name;
    const target = this.answered.filter(isOf).length + count;
    await until(() => this.answered.filter(isOf).length >= target);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent.stop();
  }
}

/** The line of the log that says that a ping was not answered in time. */
export const notAnswered =
  (name: string) =>
  ({ msg }: { readonly msg: string }) =>
    msg.startsWith(`Keep alive for ${name} was not answered in time`);

/** Long for a busy machine, and shorter than the runner's own, which does not say what was waited for. */
const patienceMs = 30_000;

/** Waits for a condition. */
export async function until(condition: () => boolean): Promise<void> {
  for (const endMs = performance.now() + patienceMs; !condition(); await sleep(5))
    if (performance.now() > endMs) throw new Error(`Expected within ${patienceMs / 1000} s: ${condition}`);
}
