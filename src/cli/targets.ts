import { formatAddress } from '../zeo/address.js';
import { type ClientStorageOptions, resolveOptions } from '../zeo/options.js';
import { readTarget } from '../zeo/uri.js';
import { readConfig } from './config-targets.js';
import type { Target } from './target.js';
import { printable } from './terminal-text.js';

/**
 * The storages that the addresses of a command line and a configuration stand for, each at most once.
 *
 * @throws KeepAliveError `ERR_ZEO_INVALID_ADDRESS`, `ERR_ZEO_INVALID_ARGUMENT`; what is wrong with the configuration
 */
export async function readTargets(
  addresses: readonly string[],
  config: string | undefined,
): Promise<readonly Target[]> {
  const configured = config === undefined ? [] : await readConfig(config);
  const given = [...new Set(addresses)].map((text) => {
    // A watcher never writes, and so gets along with a server that is read-only. A URI says itself what it wants.
    const options = text.includes('://') ? readTarget(text) : { ...readTarget(text), readOnly: true };
    return { name: nameOf(options), options };
  });
  return uniquelyNamed([...configured, ...given]);
}

/** Names that several share get a number. All are made printable, and all options are checked. */
function uniquelyNamed(targets: readonly Target[]): readonly Target[] {
  const taken = new Set<string>();
  return targets.map(({ name: wanted, options }) => {
    resolveOptions({ ...options, wait: false });
    const base = printable(wanted);
    let name = base;
    for (let number = 2; taken.has(name); number++) name = `${base} (${number})`;
    taken.add(name);
    return { name, options };
  });
}

/** Not the text itself: a URI may carry what nobody should see. */
function nameOf(options: ClientStorageOptions): string {
  const { name, addresses, storage } = resolveOptions(options);
  const servers = addresses.map(formatAddress).join(',');
  return name ?? (storage === '1' ? servers : `${servers}/${storage}`);
}
