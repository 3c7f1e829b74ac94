/**
 * The second half of the demonstration: sockets and a real client, with the agent and without. To cut their path it needs a
 * network that it can switch off: a network namespace of Linux, which most systems let any user make.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ownNetwork = ['--map-root-user', '--net'];
/** It takes about twelve seconds. What hangs is killed after this time. */
const timeoutMs = 40_000;

/** Resolves to the reason why it cannot run on this machine; `undefined` if it can. */
export async function missingForSockets(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'only Linux shows which connections are dead';
  const code = await run([...ownNetwork, 'ip', 'link', 'set', 'lo', 'up'], 'ignore');
  return code === 0
    ? undefined
    : 'this needs the programs unshare and ip, and permission to create a network namespace';
}

/** Resolves to whether everything went as promised. */
export async function showSockets(): Promise<boolean> {
  const program = fileURLToPath(new URL('./severed-sockets.js', import.meta.url));
  return (await run([...ownNetwork, process.execPath, program], 'inherit')) === 0;
}

/** Resolves to the exit code; `null` if the program was not found or was killed. */
function run(args: readonly string[], output: 'ignore' | 'inherit'): Promise<number | null> {
  return new Promise((resolve) => {
    const stdio = ['ignore', output, output] as const;
    // The timer of the option `timeout` would hold this process when there is no program to start.
    const signal = AbortSignal.timeout(timeoutMs);
    const child = spawn('unshare', args, { stdio: [...stdio], signal, killSignal: 'SIGKILL' });
    child.once('error', () => resolve(null));
    child.once('exit', resolve);
  });
}
