import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Python } from './environments.js';

const execute = promisify(execFile);

/** In order of preference. The system's own `python3` comes first, because it is the least likely to be removed. */
const candidates = ['python3', 'python', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python3.9'];

/** Prints the path of the interpreter itself, not of a version manager's launcher. */
const question = `
import sys
if sys.version_info < (3, 9):
    sys.exit('Python %d.%d is older than 3.9' % sys.version_info[:2])
try:
    import ensurepip, venv
except ImportError:
    sys.exit('it has no module venv or ensurepip (the package python3-venv)')
print(sys.executable)
`;

/** A Python in `PATH`, 3.9 or newer, that can create virtual environments. */
export async function findPython(): Promise<Python> {
  let missing = 'no python3 in PATH';
  for (const candidate of candidates) {
    try {
      const { stdout } = await execute(candidate, ['-c', question]);
      return { executable: stdout.trim() };
    } catch (error) {
      const { code, stderr } = error as { code?: string; stderr?: string };
      if (code !== 'ENOENT') missing = `${candidate} cannot be used: ${stderr?.trim() || String(error)}`;
    }
  }
  return { missing };
}
