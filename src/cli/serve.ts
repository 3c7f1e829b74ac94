import { isReachableFromOutside } from '../zeo/connection/address.js';
import { ZeoServer } from '../zeo/server/zeo-server.js';
import { Ending } from './io/ending.js';
import { exitCode } from './io/exit-code.js';
import type { ListenAddress } from './io/listen-address.js';
import type { Output } from './io/output.js';

export interface ServeOptions {
  readonly listen: ListenAddress;
  /** The ids of the storages, which begin empty. */
  readonly storages: readonly string[];
}

/**
 * Serves storages in memory until it is asked to end. Resolves to the exit code.
 *
 * @throws Error that names the address, if it cannot be listened on
 */
export async function serve({ listen, storages }: ServeOptions, output: Output): Promise<number> {
  // A server in the background goes on when nobody reads its output.
  using ending = new Ending(output, { endsWithOutput: false });
  await using server = await listenOn(listen, storages);
  const names = storages.length === 1 ? `storage ${storages[0]}` : `storages ${storages.join(', ')}`;
  output.write(`serves ${names} on ${server.address}, in memory: what is stored is lost when it ends\n`);
  if (isReachableFromOutside(listen))
    output.write('every machine that can reach this address may read and write, without a password\n');
  const reason = await ending.reason();
  output.write(`ended by ${reason}\n`);
  return exitCode.done;
}

async function listenOn({ host, port }: ListenAddress, storages: readonly string[]): Promise<ZeoServer> {
  try {
    return await ZeoServer.listen({ host, port, storages });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === 'EADDRINUSE' ? 'the port is in use' : message;
    throw new Error(`Cannot serve on ${host}:${port}: ${why}`, { cause });
  }
}
