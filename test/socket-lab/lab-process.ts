import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Computer } from '../faults/kernel/networks/network.js';

export interface LabProcessOptions {
  readonly computer: Computer;
  /** Relative to this folder. */
  readonly script: string;
  /** The script's argument, as JSON. */
  readonly config: object;
  readonly nodeOptions?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A command that becomes Node, with Node's own command as its arguments. */
  readonly launcher?: readonly string[];
}

/** A script of the lab on one of its computers: commands go in, events come out. It ends when its channel is closed. */
export class LabProcess<Command extends object, Event extends { readonly type: string }>
  implements AsyncDisposable
{
  readonly events: Event[] = [];
  /** Called with each event as it comes. */
  onEvent: ((event: Event) => void) | undefined;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #looks = new Set<() => void>();
  #hasEnded = false;
  #stderr = '';

  constructor({ computer, script, config, nodeOptions = [], env, launcher = [] }: LabProcessOptions) {
    this.#child = fork(fileURLToPath(new URL(script, import.meta.url)), [JSON.stringify(config)], {
      execPath: 'ip',
      execArgv: ['netns', 'exec', computer.namespace, ...launcher, process.execPath, ...nodeOptions],
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
      this.#look();
    });
    this.#child.on('message', (event) => {
      this.events.push(event as Event);
      this.onEvent?.(event as Event);
      this.#look();
    });
    this.#exited = once(this.#child, 'exit').then(() => {
      this.#hasEnded = true;
      this.#look();
    });
  }

  /** All that it wrote to standard error. */
  get stderr(): string {
    return this.#stderr;
  }

  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  send(command: Command): void {
    this.#child.send(command);
  }

  all<Type extends Event['type']>(type: Type): Extract<Event, { type: Type }>[] {
    return this.events.filter((event): event is Extract<Event, { type: Type }> => event.type === type);
  }

  /** Resolves to whether the condition came true within that time; it is looked at whenever something is reported. */
  async meets(condition: () => boolean, withinMs: number): Promise<boolean> {
    const { promise, resolve } = withResolvers<boolean>();
    const look = () => {
      if (condition()) resolve(true);
      else if (this.#hasEnded) resolve(false);
    };
    this.#looks.add(look);
    const timer = setTimeout(() => resolve(condition()), withinMs);
    look();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#looks.delete(look);
    }
  }

  /** @throws Error when the condition does not come true in time, with what the process wrote to standard error */
  async until(what: string, condition: () => boolean, withinMs = 60_000): Promise<void> {
    if (await this.meets(condition, withinMs)) return;
    const how = this.#hasEnded ? `It ended with code ${this.exitCode}` : `Waited ${withinMs} ms`;
    throw new Error(`${how} before ${what}:\n${this.#stderr.slice(-4000)}`);
  }

  async ended(): Promise<void> {
    await this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    const insist = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
    await this.#exited;
    clearTimeout(insist);
  }

  #look(): void {
    for (const look of [...this.#looks]) look();
  }
}

function withResolvers<Value>() {
  let resolve: (value: Value) => void = () => {};
  const promise = new Promise<Value>((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}
