import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** A program that is run from its start to its end, as a user would run it. */
export interface Program {
  readonly module: URL;
  /** What `--import` loads before it. */
  readonly imports: URL;
  /** Added to this process's environment, without the settings of the agent that it may have. */
  readonly env: Readonly<Record<string, string>>;
}

/** Resolves to what it has written to standard output. */
export async function runProgram({ module, imports, env }: Program): Promise<string> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('ZEO_KEEPALIVE_'));
  const args = [...process.execArgv, '--import', imports.href, fileURLToPath(module)];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    env: { ...Object.fromEntries(inherited), ...env },
  });
  return stdout;
}
