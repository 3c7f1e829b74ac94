import { findZeo } from '../../../dist/test/support/python/environments.js';
import { startServer } from '../../../dist/test/support/servers.js';
import type { ServerApi } from '../processes/server.js';
import { Child, ownProcesses } from './child.js';

/** The server: this package's own, or ZEO's in Python. */
export type ServerKind = 'embedded' | 'python';

export interface Server extends AsyncDisposable {
  readonly address: string;
}

/** The release of ZEO that is measured: the newest. */
export const zeoVersion = '6.2';

/**
 * Starts a ZEO server in its own process, so that its cost is not counted.
 *
 * @param processes where the program of the embedded one is
 */
export async function openServer(kind: ServerKind = 'embedded', processes = ownProcesses): Promise<Server> {
  if (kind === 'python') return startServer(`zeo-${zeoVersion}`);
  const child = new Child<ServerApi>(new URL('server.js', processes));
  const address = await child.call('listen', { encoding: 'Z5' });
  return { address, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}

/** Why there is no Python with ZEO here. */
export function missingPython(): string | undefined {
  return findZeo(zeoVersion).missing;
}
