#!/usr/bin/env node
/** The command `zeo-keepalive`; without arguments, as `npm start` has it, the demonstration. */
import { CommanderError } from 'commander';
import { KeepAliveError } from '../model/errors.js';
import { statusLine } from './check/finding.js';
import { exitCode, pluginExitCode } from './io/exit-code.js';
import { explain } from './io/format.js';
import { Output } from './io/output.js';
import { createProgram } from './program.js';

const [first = 'demo', ...others] = process.argv.slice(2);
const isPlugin = first === 'check';

// Whoever reads may stop (`--help | head -1`), and a terminal may vanish: no reason for a stack trace.
const output = new Output(process.stdout);
process.stderr.on('error', () => {});

try {
  const program = createProgram(first, output, (code) => {
    process.exitCode = code;
  });
  await program.parseAsync([first, ...others], { from: 'user' });
} catch (error) {
  process.exitCode = report(error);
}
await output.flushed();
if (output.failure !== undefined) process.exitCode = reportUnwritten(output.failure);

/** Says what is wrong where it will be read, unless the parser already has. */
function report(error: unknown): number {
  if (error instanceof CommanderError) {
    // Asked for help or the version.
    if (error.exitCode === 0) return exitCode.done;
  } else if (isPlugin) console.log(statusLine('UNKNOWN', explain(error)));
  else console.error(`error: ${explain(error)}`);
  if (isPlugin) return pluginExitCode('UNKNOWN');
  return error instanceof CommanderError || isMistake(error) ? exitCode.usage : exitCode.failed;
}

/** Nobody has read what this program came to, so that its exit code has to say so. */
function reportUnwritten(error: Error): number {
  console.error(`error: Cannot write to standard output: ${explain(error)}`);
  return isPlugin ? pluginExitCode('UNKNOWN') : exitCode.failed;
}

/** What the user has to change, not the world. */
function isMistake(error: unknown): boolean {
  return error instanceof KeepAliveError && /_INVALID_|^ERR_ZCONFIG_/.test(error.code);
}
