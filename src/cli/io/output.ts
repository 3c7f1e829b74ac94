import { setImmediate as turn } from 'node:timers/promises';

/** What may wait for whoever reads. */
const mostUnread = 1024 * 1024;
/** Whoever read has closed its end of the pipe, or of the socket that Node makes for a child. */
const closedByReader = new Set<unknown>(['EPIPE', 'ECONNRESET']);

/**
 * The standard output of this program, which may be closed at any moment: by `head`, or with its terminal. A disk that is full
 * is another matter: what was to be read is lost.
 */
export class Output {
  readonly #stream: NodeJS.WriteStream;
  readonly #closed = new AbortController();

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    // Stays for good: what is still written after the first error fails again, and must not end the process.
    stream.on('error', (error) => this.#closed.abort(error));
  }

  /** Aborts when nobody can read any more what is written, whatever the reason. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** Why something could not be written that somebody was to read; `undefined` while all is well, or nobody reads. */
  get failure(): NodeJS.ErrnoException | undefined {
    const { aborted, reason } = this.closed;
    // A terminal fails when it vanishes.
    return aborted && !this.isTerminal && !closedByReader.has(reason.code) ? reason : undefined;
  }

  /** Resolves when all that was written has arrived, or is known not to. */
  async flushed(): Promise<void> {
    await new Promise<void>((resolve) => this.#stream.write('', () => resolve()));
    // The stream tells of an error after it has called back.
    await turn();
  }

  /** Whether whoever reads is so far behind that more would only take memory. */
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

  /** Calls the listener when the terminal changes its size; returns the function that ends it. */
  onResize(listener: () => void): () => void {
    this.#stream.on('resize', listener);
    return () => this.#stream.off('resize', listener);
  }
}
