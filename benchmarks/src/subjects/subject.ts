/** Pings a number of connections, each once per period. */
export interface PingSubject {
  /** Begins to ping. */
  start(): void;
  /** Pings answered since it was opened. */
  readonly answered: number;
  readonly failed: number;
  close(): Promise<void>;
}

export interface SubjectOptions {
  /** The server, `host:port`. */
  readonly address: string;
  readonly count: number;
  readonly periodMs: number;
  /** Called when a ping is sent, with the connection's index or name. */
  readonly onSent?: (connection: number | string) => void;
}

/** Opens many connections, but not all at once, because backlogs are not measured. */
export async function openAll<T>(count: number, open: (index: number) => Promise<T>): Promise<T[]> {
  const opened: T[] = [];
  const batchSize = 100;
  for (let from = 0; from < count; from += batchSize) {
    const size = Math.min(batchSize, count - from);
    opened.push(...(await Promise.all(Array.from({ length: size }, (_, i) => open(from + i)))));
  }
  return opened;
}
