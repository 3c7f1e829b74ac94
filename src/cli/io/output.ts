import { setImmediate as turn } from 'node:timers/promises';

/** How many bytes may wait for the reader. */
const mostUnread = 1024 * 1024;
/** The reader has closed its end of the pipe, or of the socket that Node creates for a child process. */
const closedByReader = new Set<unknown>(['EPIPE', 'ECONNRESET']);

/**
 * The standard output of this program, which may be closed at any moment: by `head`, or with its terminal. That is no
 * failure; a full disk is one, because output is lost.
 */
export class Output {
  readonly #stream: NodeJS.WriteStream;
  readonly #closed = new AbortController();

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    // Never removed: writes after the first error fail again, and must not end the process.
    stream.on('error', (error) => this.#closed.abort(error));
  }

  /** Aborts when output can no longer be read, whatever the reason. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** Why output was lost; `undefined` if none was, or if the reader closed it. */
  get failure(): NodeJS.ErrnoException | undefined {
    const { aborted, reason } = this.closed;
    // A terminal that vanishes fails as well.
    return aborted && !this.isTerminal && !closedByReader.has(reason.code) ? reason : undefined;
  }

  /** Resolves when everything written has been flushed or has failed. */
  async flushed(): Promise<void> {
    await new Promise<void>((resolve) => this.#stream.write('', () => resolve()));
    // The stream emits an error only after its callback.
    await turn();
  }

  /** Whether the reader is so far behind that more output would only take up memory. */
  get isFull(): boolean {
    return this.#stream.writableLength > mostUnread;
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  get columns(): number {
    return this.#stream.columns || 80;
  }

  get rows(): number {
    return this.#stream.rows || 24;
  }

  write(text: string): void {
    if (!this.#closed.signal.aborted) this.#stream.write(text);
  }

  /** Calls the listener when the terminal is resized; returns a function that removes it. */
  onResize(listener: () => void): () => void {
    this.#stream.on('resize', listener);
    return () => this.#stream.off('resize', listener);
  }
}
