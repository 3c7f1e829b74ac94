/** Runs what the command line asks for; without arguments, as `npm start` has it, the demonstration. */
import { CommanderError } from 'commander';
import { KeepAliveError } from '../model/errors.js';
import { statusLine } from './check/finding.js';
import { exitCode, pluginExitCode } from './io/exit-code.js';
import { explain } from './io/format.js';
import { Output } from './io/output.js';
import { createProgram } from './program.js';

const [first = 'demo', ...others] = process.argv.slice(2);
const isPlugin = first === 'check';

// The reader may stop (`--help | head -1`) and a terminal may vanish; neither deserves a stack trace.
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

/** Prints the error where it will be read, unless the parser already has. Returns the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) {
    // The user asked for help or the version.
    if (error.exitCode === 0) return exitCode.done;
  } else if (isPlugin) console.log(statusLine('UNKNOWN', explain(error)));
  else console.error(`error: ${explain(error)}`);
  if (isPlugin) return pluginExitCode('UNKNOWN');
  return error instanceof CommanderError || isMistake(error) ? exitCode.usage : exitCode.failed;
}

/** The result could not be written, so the exit code has to report that. */
function reportUnwritten(error: Error): number {
  console.error(`error: Cannot write to standard output: ${explain(error)}`);
  return isPlugin ? pluginExitCode('UNKNOWN') : exitCode.failed;
}

/** Whether the error is in how the command was called, rather than in its surroundings. */
function isMistake(error: unknown): boolean {
  return error instanceof KeepAliveError && /_INVALID_|^ERR_ZCONFIG_/.test(error.code);
}
