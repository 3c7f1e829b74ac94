import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { ServerDepot, type Wish } from './server-depot.js';

export type Encoding = 'Z5' | 'M5';

/** What the tests are run against: ZEO's own server, directly or through guard, or the embedded one. */
export const servers = ['real', 'guard', 'passthrough', 'embedded'] as const;
export type Server = (typeof servers)[number];

/** Whether guard is in front of ZEO's own server: `guard` ends TLS, and with `passthrough` the tests with TLS are run. */
export const isGuarded = (server: Server) => server === 'guard' || server === 'passthrough';

export type SuiteEvent =
  /** This release has no such tests. */
  | { readonly missing: string }
  | { readonly started: string }
  | {
      readonly ended: string;
      readonly outcome: 'passed' | 'failed' | 'skipped';
      readonly detail: string | null;
      readonly milliseconds: number;
      /** Through guard: how many connections it relayed, and pings that were answered on them. */
      readonly relayed?: number;
      readonly pings?: number;
    }
  /** Of a list. */
  | { readonly test: string; readonly group?: string };

type Line = SuiteEvent | (Wish & { readonly number: number }) | { readonly done: true };

/** The scripts are not compiled: they stay in the source tree. */
const script = fileURLToPath(new URL('../../../test/zeo-suite/python/run_tests.py', import.meta.url));
const command = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const stderrLimit = 4000;

/**
 * Runs `run_tests.py` with servers for it. Leaving the loop over it ends it early: Python, and what it has started,
 * end when their stdin does.
 *
 * @throws Error if Python ended before it was done.
 */
export async function* runSuite(
  python: string,
  args: readonly string[],
  encoding: Encoding,
): AsyncGenerator<SuiteEvent, void> {
  const env = {
    ...process.env,
    // What guarded_servers.py starts.
    ZEO_SUITE_GUARD: JSON.stringify([process.execPath, command]),
    ...(encoding === 'M5' ? { ZEO_MSGPACK: '1' } : {}),
  };
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(
    python,
    ['-B', '-W', 'ignore', script, ...args],
    { env, stdio: ['pipe', 'pipe', 'pipe'] },
  );
  const closed = new Promise((resolve) => child.once('close', resolve));
  // It may end before it has read the last answer.
  child.stdin.on('error', () => {});
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-stderrLimit);
  });
  child.once('error', (error) => {
    stderr += String(error);
  });
  let depot: ServerDepot | undefined;
  try {
    for await (const text of createInterface({ input: child.stdout })) {
      const line = JSON.parse(text) as Line;
      if ('done' in line) return;
      if ('ask' in line) {
        depot ??= new ServerDepot(python);
        const answer = await depot.fulfil(line).catch((error: Error) => ({ error: String(error) }));
        child.stdin.write(`${JSON.stringify({ ...answer, number: line.number })}\n`);
        continue;
      }
      if ('started' in line) stderr = '';
      if ('ended' in line && line.outcome === 'failed')
        yield { ...line, detail: `${line.detail}\nOn stderr meanwhile:\n${stderr}` };
      else yield line;
      if ('missing' in line) return;
    }
    throw new Error(`The Python of ZEO's tests ended early:\n${stderr}`);
  } finally {
    child.stdin.end();
    await closed;
    await depot?.close();
  }
}
