/* What the commands on a connection to Redis say of a ping on it. */

/**
 * Commands that may run for long, and those of modules: Redis writes no answer meanwhile, not even to what it has received before
 * them.
 */
export const mayTakeLong = /^(eval|fcall|exec$|debug$|keys$|sort|save$|flush|migrate$|script$|function$)|\./i;
/** Commands that are answered when something has happened: what has been received after them is not answered before. */
export const mayWait = /^(b[lrz]|wait|xread|monitor$|p?sync$)/i;

/**
 * Whether a transaction is open that is not one pipeline, which only its commands show. A `PING` would become a part of it, and
 * `EXEC` return a reply too many.
 */
export class OpenTransaction {
  isOpen = false;

  /** To be called with each command that is sent. */
  note(command: string): void {
    const { length } = command;
    // Most commands are none of these, and a regular expression for each would be felt.
    if (length !== 4 && length !== 5 && length !== 7) return;
    if (/^multi$/i.test(command)) this.isOpen = true;
    else if (/^(exec|discard)$/i.test(command)) this.isOpen = false;
  }

  /** To be called when the connection is lost. */
  end(): void {
    this.isOpen = false;
  }
}

/** The queue of a client of `redis`. */
export interface CommandQueue {
  isEmpty(): boolean;
  addCommand(args: readonly unknown[], ...rest: readonly unknown[]): Promise<unknown>;
  monitor(...args: readonly unknown[]): Promise<unknown>;
  reset(...args: readonly unknown[]): Promise<unknown>;
}

/** What a client of `redis` has asked of the server, as far as a ping depends on it. */
export class SentCommands {
  readonly #queue: CommandQueue;
  readonly #transaction = new OpenTransaction();
  readonly #longOnesOut = new Set<Promise<unknown>>();
  readonly #waitingOnesOut = new Set<Promise<unknown>>();
  #isMonitoring = false;
  /** Whether there may be commands that were sent before this looked on. */
  #hasUnknown = true;

  constructor(queue: CommandQueue) {
    this.#queue = queue;
    const { addCommand, monitor, reset } = queue;
    queue.addCommand = (args, ...rest) => {
      const reply = addCommand.call(queue, args, ...rest);
      this.#note(String(args[0]), reply);
      return reply;
    };
    queue.monitor = (...args) => {
      this.#isMonitoring = true;
      return monitor.call(queue, ...args);
    };
    queue.reset = (...args) => {
      this.#isMonitoring = false;
      return reset.call(queue, ...args);
    };
  }

  /** Whether one is out that keeps a ping from being answered, though it was sent after the ping. */
  get holdsUpEarlier(): boolean {
    return this.#longOnesOut.size > 0;
  }

  /** Whether a ping would wait, become a part of a transaction, or its answer be taken for what is monitored. */
  get keepsFromPinging(): boolean {
    this.#hasUnknown &&= !this.#queue.isEmpty();
    if (this.#hasUnknown || this.#transaction.isOpen || this.#isMonitoring) return true;
    return this.#longOnesOut.size > 0 || this.#waitingOnesOut.size > 0;
  }

  connectionClosed(): void {
    this.#transaction.end();
  }

  #note(name: string, reply: Promise<unknown>): void {
    this.#transaction.note(name);
    const out = mayTakeLong.test(name)
      ? this.#longOnesOut
      : mayWait.test(name)
        ? this.#waitingOnesOut
        : undefined;
    if (out === undefined) return;
    out.add(reply);
    const ended = () => out.delete(reply);
    reply.then(ended, ended);
  }
}
