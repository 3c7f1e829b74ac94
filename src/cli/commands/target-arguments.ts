import type { Command } from 'commander';
import { eachServer, readTargets, type Target } from '../io/targets.js';

/** For the help. */
export const addresses = `
An ADDRESS is HOST:PORT, [IPV6]:PORT, the path of a unix socket, or a zeo: or zconfig: URI as in zodburi.
Separate several servers of one storage by commas.`;

export interface TargetFlags {
  readonly config?: string;
  readonly allServers?: boolean;
}

/** The storages that the arguments name. */
export async function targetsOf(
  command: Command,
  given: readonly string[],
  { config, allServers }: TargetFlags,
): Promise<readonly Target[]> {
  if (given.length === 0 && config === undefined)
    command.error("error: missing argument 'ADDRESS' (or --config)");
  const targets = await readTargets(given, config);
  return allServers ? eachServer(targets) : targets;
}
