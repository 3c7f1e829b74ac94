import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** The calls that a benchmark process offers its parent: asynchronous functions of one argument. */
// biome-ignore lint/suspicious/noExplicitAny: each function has an argument of its own type.
export type ChildApi = { readonly [name: string]: (argument: any) => Promise<unknown> };

interface Call {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string };

/** The folder of the processes, as URL. */
export const ownProcesses = new URL('../processes/', import.meta.url);

/**
 * A separate process, so that neither the harness nor earlier measurements affect what is measured in it.
 *
 * The inverse of {@link serve}.
 */
export class Child<Api extends ChildApi> implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #pending = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>();
  #lastId = 0;
  #ended: Error | undefined;

  /**
   * @param module a compiled module that calls {@link serve}
   * @param execArgv Node flags in addition to those of this process; with `--cpu-prof` each child writes a profile
   */
  constructor(module: URL, execArgv: readonly string[] = []) {
    this.#process = fork(module, { execArgv: [...process.execArgv, ...execArgv], serialization: 'advanced' });
    this.#process.on('message', (answer: Answer) => {
      const call = this.#pending.get(answer.id);
      this.#pending.delete(answer.id);
      if ('error' in answer) call?.reject(new Error(answer.error));
      else call?.resolve(answer.result as never);
    });
    this.#process.once('exit', (code, signal) => {
      this.#ended = new Error(`The measured process ended with ${code ?? signal}`);
      for (const { reject } of this.#pending.values()) reject(this.#ended);
      this.#pending.clear();
    });
  }

  call<Name extends keyof Api & string>(
    name: Name,
    argument: Parameters<Api[Name]>[0],
  ): Promise<Awaited<ReturnType<Api[Name]>>> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    this.#lastId += 1;
    const call: Call = { id: this.#lastId, name, argument };
    return new Promise((resolve, reject) => {
      this.#pending.set(call.id, { resolve, reject });
      this.#process.send(call);
    });
  }

  /** Lets it end by itself, so that it can write files at its exit. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended !== undefined) return;
    const exited = once(this.#process, 'exit');
    this.#process.disconnect();
    await exited;
  }
}

/** Answers the parent until it is gone. */
export function serve(api: ChildApi): void {
  process.on('disconnect', () => process.exit());
  process.on('message', ({ id, name, argument }: Call) => {
    const call = async () => api[name]?.(argument);
    call().then(
      (result) => process.send?.({ id, result } satisfies Answer),
      (error: Error) => process.send?.({ id, error: error.stack ?? String(error) } satisfies Answer),
    );
  });
}
