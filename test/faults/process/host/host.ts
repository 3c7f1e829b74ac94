import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Blocking, HostCommand, HostMessage, HostSetup } from './host-messages.js';
import type { NaiveKind } from './naive-watchdog.js';

type Message<Type extends HostMessage['type']> = Extract<HostMessage, { type: Type }>;

/** A host under test in a process of its own: see `host-process.ts`. */
export class Host implements AsyncDisposable {
  readonly losses: Message<'lost'>[] = [];
  readonly connections: Message<'connected'>[] = [];
  readonly #child: ChildProcess;
  #ended: Error | undefined;

  /** Resolves when all storages are connected and have been pinged. */
  static async start(setup: HostSetup): Promise<Host> {
    const host = new Host();
    try {
      await host.#ask({ type: 'setUp', setup }, 'ready');
      return host;
    } catch (error) {
      await host[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor() {
    this.#child = fork(fileURLToPath(new URL('./host-process.js', import.meta.url)));
    this.#child.on('message', (message: HostMessage) => {
      if (message.type === 'lost') this.losses.push(message);
      if (message.type === 'connected') this.connections.push(message);
    });
    this.#child.on('exit', (code, signal) => {
      this.#ended = new Error(`The host ended with ${code ?? signal}`);
    });
  }

  /** Blocks the main loop, and resolves to when it ran again. */
  block(blocking: Blocking, ms: number): Promise<Message<'blocked'>> {
    return this.#ask({ type: 'block', blocking, ms }, 'blocked');
  }

  async stepClock(byMs: number): Promise<void> {
    await this.#ask({ type: 'stepClock', byMs }, 'clockStepped');
  }

  /** How many naive watchdogs of each kind have killed their peer since the last call. */
  async countKilled(): Promise<Readonly<Record<NaiveKind, number>>> {
    return (await this.#ask({ type: 'countKilled' }, 'killed')).byKind;
  }

  /** How long its main loop has been stalled so far. */
  async stalledMs(): Promise<number> {
    return (await this.#ask({ type: 'stalledTime' }, 'stalledTime')).stalledMs;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended !== undefined) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  async #ask<Type extends HostMessage['type']>(command: HostCommand, type: Type): Promise<Message<Type>> {
    if (this.#ended !== undefined) throw this.#ended;
    return new Promise((resolve, reject) => {
      const stopListening = () => {
        this.#child.off('message', onMessage);
        this.#child.off('exit', onExit);
      };
      const onMessage = (message: HostMessage) => {
        if (message.type !== type) return;
        stopListening();
        resolve(message as Message<Type>);
      };
      const onExit = (code: number | null) => {
        stopListening();
        reject(new Error(`The host ended with ${code}`));
      };
      this.#child.on('message', onMessage).on('exit', onExit);
      this.#child.send(command);
    });
  }
}
