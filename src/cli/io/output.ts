/** What may wait for whoever reads. */
const mostUnread = 1024 * 1024;

/** The standard output of this program, which may be closed at any moment: by `head`, or with its terminal. */
export class Output {
  readonly #stream: NodeJS.WriteStream;
  readonly #closed = new AbortController();

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    // Stays for good: what is still written after the first error fails again, and must not end the process.
    stream.on('error', (error) => this.#closed.abort(error));
  }

  /** Aborts when nobody can read any more what is written. */
  get closed(): AbortSignal {
    return this.#closed.signal;
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
