import { execFileSync } from 'node:child_process';

/** The port of all servers, on every address of their computer. */
export const serverPort = 8100;

/**
 * Computers and the cables between them, in network namespaces of this kernel. Nothing in them reaches the machine's own
 * network, so addresses in them are free to choose.
 *
 * A network is removed when it is disposed of, when the process exits, and on a signal that ends the process. Leftovers of a
 * killed process are removed by the next one that makes a network.
 */
export class Network implements Disposable {
  static #made = 0;
  readonly #prefix: string;
  readonly #computers: Computer[] = [];

  constructor() {
    if (Network.#made === 0) removeLeftovers();
    Network.#made += 1;
    this.#prefix = `${mark}${process.pid}-${Network.#made}-`;
    standing.add(this);
    if (standing.size === 1) for (const signal of signals) process.on(signal, removeAndEnd);
  }

  /** @throws Error with the output of `ip`, e.g. that it is not permitted. */
  add(name: string): Computer {
    const computer = new Computer(this.#prefix + name);
    run('ip', ['netns', 'add', computer.namespace]);
    this.#computers.push(computer);
    computer.ip('link', 'set', 'lo', 'up');
    return computer;
  }

  /** Lays a cable between two computers: creates a network card on each and brings both up. */
  connect(one: Computer, card: string, other: Computer, otherCard: string): void {
    const peer = ['peer', 'name', otherCard, 'netns', other.namespace];
    run('ip', ['link', 'add', card, 'netns', one.namespace, 'type', 'veth', ...peer]);
    one.ip('link', 'set', card, 'up');
    other.ip('link', 'set', otherCard, 'up');
  }

  /** May be called again. A process still running on one of the computers keeps its end of the cables. */
  [Symbol.dispose](): void {
    for (const { namespace } of this.#computers.splice(0)) removeNamespace(namespace);
    standing.delete(this);
    if (standing.size === 0) for (const signal of signals) process.off(signal, removeAndEnd);
  }
}

/** One network namespace. */
export class Computer {
  readonly namespace: string;

  constructor(namespace: string) {
    this.namespace = namespace;
  }

  /** `ip` with these arguments. */
  ip(...args: readonly string[]): void {
    run('ip', ['-n', this.namespace, ...args]);
  }

  /** Gives a network card an address such as `10.0.0.1/8`. */
  address(card: string, address: string): void {
    this.ip('addr', 'add', address, 'dev', card);
  }

  /** Adds rules to iptables' filter table (`-A INPUT -j DROP`, or `:FORWARD DROP` for a policy), all at once. */
  filter(rules: readonly string[]): void {
    const table = ['*filter', ...rules, 'COMMIT', ''].join('\n');
    run('ip', ['netns', 'exec', this.namespace, 'iptables-restore', '--noflush'], table);
  }

  /** The command that runs another one on this computer: what comes after it. */
  get launcher(): readonly string[] {
    return ['ip', 'netns', 'exec', this.namespace];
  }

  /** The local ports of its established TCP connections to an address. */
  portsTo(address: string): number[] {
    const [command = '', ...args] = this.launcher;
    const table = run(command, [...args, 'ss', '-Htn', 'state', 'established', 'dst', address]);
    return Array.from(table.matchAll(/:(\d+)\s+\S+$/gm), ([, port]) => Number(port));
  }

  /** Drops every packet of TCP connections from these ports of others. */
  dropFrom(ports: readonly number[]): void {
    this.filter(
      ports.flatMap((port) => [
        `-A INPUT -p tcp --sport ${port} -j DROP`,
        `-A OUTPUT -p tcp --dport ${port} -j DROP`,
      ]),
    );
  }

  /** Removes all rules that drop what it sends or receives. */
  heal(): void {
    this.filter(['-F INPUT', '-F OUTPUT']);
  }

  /** Drops each packet with this probability from now on, in both directions. */
  lose(probability: number): void {
    const chance = `-m statistic --mode random --probability ${probability} -j DROP`;
    this.filter([`-A INPUT ${chance}`, `-A OUTPUT ${chance}`]);
  }

  /** Limits what a network card sends to a number of megabits per second; packets are queued for at most 100 ms. */
  shape(card: string, megabits: number): void {
    const bucket = ['rate', `${megabits}mbit`, 'burst', '16kb', 'latency', '100ms'];
    run('tc', ['-n', this.namespace, 'qdisc', 'add', 'dev', card, 'root', 'tbf', ...bucket]);
  }

  /** Sets kernel parameters: `net.ipv4.ip_forward=1`. */
  sysctl(...settings: readonly string[]): void {
    run('ip', ['netns', 'exec', this.namespace, 'sysctl', '-qw', ...settings]);
  }
}

/** Distinguishes our namespaces from others'; the process id of the one that made it comes next. */
const mark = 'zeo-fault-';
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const standing = new Set<Network>();

function removeAll(): void {
  for (const network of standing) network[Symbol.dispose]();
}

/** Removing the last network also removes this listener, so that the signal then has its usual effect. */
function removeAndEnd(signal: NodeJS.Signals): void {
  removeAll();
  process.kill(process.pid, signal);
}

process.on('exit', removeAll);

function removeLeftovers(): void {
  for (const line of run('ip', ['netns', 'list']).split('\n')) {
    const [namespace = ''] = line.split(' ');
    if (!namespace.startsWith(mark)) continue;
    const pid = Number.parseInt(namespace.slice(mark.length), 10);
    if (pid === process.pid || !isAlive(pid)) removeNamespace(namespace);
  }
}

/** Resumes stopped processes in it, so that they can exit. */
function removeNamespace(namespace: string): void {
  try {
    for (const pid of run('ip', ['netns', 'pids', namespace]).split('\n').filter(Boolean)) {
      process.kill(Number(pid), 'SIGCONT');
    }
  } catch {
    // The process has ended meanwhile, or the namespace is gone.
  }
  try {
    run('ip', ['netns', 'del', namespace]);
  } catch {
    // Another run may just have removed the same leftover; our own exist unless something else removed them.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function run(command: string, args: readonly string[], input = ''): string {
  return execFileSync(command, args, { input, encoding: 'utf8', timeout: 20_000 });
}
