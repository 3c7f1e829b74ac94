import type { Route } from '../../guard/frontend.js';
import { KeepAliveError } from '../../model/errors.js';
import { receivedAddress } from '../../model/received-value.js';
import { type Address, parseAddresses, parseSocketPath } from '../../zeo/connection/address.js';
import { parseListenAddress } from '../io/listen-address.js';

/**
 * Where to listen and the servers behind that, as a command line has it: `LISTEN=SERVER[,SERVER...]`.
 *
 * @throws KeepAliveError `ERR_ZEO_INVALID_ADDRESS`
 */
export function parseRoute(text: string): Route {
  const [, listen, servers] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  if (!listen || !servers) throw invalid(text, 'expected LISTEN=SERVER[,SERVER...]');
  return { listen: parseListen(listen), servers: parseAddresses(servers.split(',')) };
}

function parseListen(text: string): Address {
  if (text.includes('/')) return parseSocketPath(text, text);
  try {
    return parseListenAddress(text);
  } catch (error) {
    throw invalid(text, `${(error as Error).message}, or the path of a unix socket`);
  }
}

function invalid(received: string, why: string): KeepAliveError {
  return new KeepAliveError(
    'ERR_ZEO_INVALID_ADDRESS',
    `Invalid address ${receivedAddress(received)}: ${why}`,
  );
}
