import { execFile } from 'node:child_process';
import { missingCommand } from './missing-command.js';

/** Debian's package `prometheus`. */
const executable = '/usr/bin/promtool';

/** Why there is no promtool; `undefined` if there is one. */
export const missingPromtool = missingCommand(executable);

/** Runs `promtool check`. Rejects, with what it says, if it finds a fault. */
export function promtoolCheck(args: readonly string[], input = ''): Promise<string> {
  return runPromtool(['check', ...args], input);
}

/** Runs `promtool test rules` on a file of tests. Rejects, with what it says, if one of them fails. */
export function promtoolTest(file: string): Promise<string> {
  return runPromtool(['test', 'rules', file], '');
}

function runPromtool(args: readonly string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(executable, args, (error, stdout, stderr) => {
      if (error === null) resolve(stdout + stderr);
      else reject(new Error(stdout + stderr, { cause: error }));
    });
    child.stdin?.end(input);
  });
}
