import { Writable } from 'node:stream';
import { pino } from 'pino';

export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly subsystem?: string;
  readonly connection?: string;
  readonly err?: { readonly message: string; readonly code?: string };
  readonly [field: string]: unknown;
}

/** What is logged about a process, a loop or a starting thread that did not get to run in time. */
export const isOfBusyMachine = (message: string) =>
  / (was blocked for|did not run for|has not come up in) /.test(message);

/** A pino logger, as of a host, whose lines the test can read and await. */
export function captureLog() {
  const lines: LogLine[] = [];
  const waiting = new Set<() => void>();
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)));
      for (const check of waiting) check();
      done();
    },
  });
  return {
    logger: pino({ level: 'trace' }, sink),
    lines,
    /** The lines, without those that a busy machine adds. */
    messages: () => lines.map(({ msg }) => msg).filter((msg) => !isOfBusyMachine(msg)),
    /** Resolves to the first line, past or future, that the test accepts. */
    line(accept: (line: LogLine) => boolean): Promise<LogLine> {
      return new Promise((resolve) => {
        const check = () => {
          const found = lines.find(accept);
          if (found === undefined) return;
          waiting.delete(check);
          resolve(found);
        };
        waiting.add(check);
        check();
      });
    },
  };
}
