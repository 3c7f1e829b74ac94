import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Computer } from '../networks/network.js';

/** How long a process may take to end by itself. */
const patienceMs = 10_000;

/**
 * One of the scripts of this folder, running on one of a network's computers: commands go in, what happened comes out.
 *
 * The script ends when this end of the channel is gone, so it cannot outlive the process that started it.
 */
export class RemoteProcess<Command extends object, Event extends object> implements AsyncDisposable {
  /** All that it has told so far. */
  readonly events: Event[] = [];
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #onEvent = new Set<() => void>();
  #stderr = '';
  #ended = false;

  constructor(computer: Computer, script: string, config: object) {
    // It is `ip` that is started, which enters the namespace and then becomes Node.
    this.#child = fork(fileURLToPath(new URL(script, import.meta.url)), [JSON.stringify(config)], {
      execPath: 'ip',
      execArgv: ['netns', 'exec', computer.namespace, process.execPath],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    // Not 'close': it does not come when it is this end that closed the channel.
    this.#exited = once(this.#child, 'exit').catch((error) => {
      this.#stderr += String(error);
    });
    this.#exited.then(() => {
      this.#ended = true;
      this.#notify();
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.#child.on('message', (event) => {
      this.events.push(event as Event);
      this.#notify();
    });
  }

  send(command: Command): void {
    this.#child.send(command);
  }

  /** The events of one kind. */
  all<Type extends Event['type' & keyof Event]>(type: Type): Extract<Event, { type: Type }>[] {
    return this.events.filter(
      (event): event is Extract<Event, { type: Type }> => (event as { type?: unknown }).type === type,
    );
  }

  /**
   * Resolves to whether what it told meets the condition within that time.
   *
   * @throws Error when it ends before, with what it wrote to standard error.
   */
  async meets(condition: () => boolean, withinMs: number): Promise<boolean> {
    if (condition()) return true;
    let look = () => {};
    let timer: NodeJS.Timeout | undefined;
    const met = new Promise<boolean>((resolve, reject) => {
      look = () => {
        if (condition()) resolve(true);
        else if (this.#ended) reject(new Error(`A process of the fault lab ended:\n${this.#stderr}`));
      };
      timer = setTimeout(() => resolve(condition()), withinMs);
      this.#onEvent.add(look);
      look();
    });
    try {
      return await met;
    } finally {
      clearTimeout(timer);
      this.#onEvent.delete(look);
    }
  }

  /** As {@link meets}. @throws Error when it does not in time; `what` says what was waited for. */
  async until(what: string, condition: () => boolean, withinMs: number): Promise<void> {
    if (await this.meets(condition, withinMs)) return;
    throw new Error(`Waited ${withinMs} ms in vain: ${what}\n${this.#stderr}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    const insist = setTimeout(() => this.#child.kill('SIGKILL'), patienceMs);
    await this.#exited;
    clearTimeout(insist);
  }

  #notify(): void {
    for (const look of [...this.#onEvent]) look();
  }
}
