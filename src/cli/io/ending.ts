import { hadTerminal, hasTerminal, releaseSignals } from './early-signals.js';
import type { Output } from './output.js';

/*
 * If the terminal is gone, this process ends the way SIGHUP would have ended it. On a normal exit Node would try to reset the
 * terminal, fail, and abort (`node.cc: ResetStdio`).
 */

/** How long unread output may keep this process alive at the end. */
const lingerMs = 1000;

export interface EndingOptions {
  readonly endsWithOutput?: boolean;
  readonly onHangUp?: () => void;
}

/**
 * Waits for a request to end: Ctrl-C, SIGTERM, a terminal that vanishes (SIGHUP), or an output whose reader has closed it. From
 * then on Ctrl-C ends the process immediately.
 */
export class Ending implements Disposable {
  readonly #controller = new AbortController();
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    if (signal === 'SIGHUP' && this.#onHangUp !== undefined && hasTerminal() === hadTerminal) {
      this.#onHangUp();
      return;
    }
    if (this.#controller.signal.aborted && signal === 'SIGINT') process.exit(130);
    this.#controller.abort(signal);
  };

  readonly #output: Output;
  readonly #onHangUp: (() => void) | undefined;

  /**
   * @param options `endsWithOutput`: whether it is also time to end when nobody reads the output any more. `onHangUp`: called
   *   instead at a SIGHUP that was sent on purpose, and not because the terminal has vanished
   */
  constructor(output: Output, { endsWithOutput = true, onHangUp }: EndingOptions = {}) {
    this.#output = output;
    this.#onHangUp = onHangUp;
    for (const signal of signals) process.on(signal, this.#onSignal);
    releaseSignals();
    if (!endsWithOutput) return;
    const onClosed = () => this.#controller.abort('output closed');
    if (output.closed.aborted) onClosed();
    else output.closed.addEventListener('abort', onClosed);
  }

  /** Aborts when it is time to end; its reason is the signal's name or `output closed`. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Resolves to the reason. */
  reason(): Promise<string> {
    const { signal } = this;
    return new Promise((resolve) => {
      if (signal.aborted) resolve(signal.reason);
      else signal.addEventListener('abort', () => resolve(signal.reason), { once: true });
    });
  }

  [Symbol.dispose](): void {
    for (const signal of signals) process.off(signal, this.#onSignal);
    const { closed, isTerminal } = this.#output;
    if (this.signal.reason === 'SIGHUP' || (closed.aborted && isTerminal))
      process.kill(process.pid, 'SIGHUP');
    setTimeout(() => process.exit(), lingerMs).unref();
  }
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
