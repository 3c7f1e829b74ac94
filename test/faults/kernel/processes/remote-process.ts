import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Computer } from '../networks/network.js';

/** How long a process may take to end by itself. */
const patienceMs = 10_000;

/**
 * A script that runs on one of a network's computers: it takes commands and emits events.
 *
 * The script ends when this end of the channel is gone, so it cannot outlive the process that started it.
 */
export class RemoteProcess<Command extends object, Event extends object> implements AsyncDisposable {
  /** The events received so far. */
  readonly events: Event[] = [];
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #onEvent = new Set<() => void>();
  #stderr = '';
  #ended = false;

  /** @param script the compiled file that it runs */
  constructor(computer: Computer, script: URL, config: object) {
    // Starts `ip`, which enters the namespace and then executes Node.
    this.#child = fork(fileURLToPath(script), [JSON.stringify(config)], {
      execPath: 'ip',
      execArgv: ['netns', 'exec', computer.namespace, process.execPath],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    // Not 'close', which is not emitted if this end has closed the channel.
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

  /** Resolves to it once its events meet the condition; if they do not in that time, it is ended. */
  async begun(what: string, condition: () => boolean, withinMs: number): Promise<this> {
    try {
      await this.until(what, condition, withinMs);
      return this;
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
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
   * Resolves to whether its events meet the condition within that time.
   *
   * @throws Error with its standard error if it ends before.
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

  /** Like {@link meets}. @throws Error if it does not in time; `what` names what was expected. */
  async until(what: string, condition: () => boolean, withinMs: number): Promise<void> {
    if (await this.meets(condition, withinMs)) return;
    throw new Error(`Expected ${what} within ${withinMs} ms\n${this.#stderr}`);
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
