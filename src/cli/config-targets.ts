import { KeepAliveError } from '../errors.js';
import { readZopeConfig } from '../zconfig/read-zope-config.js';
import type { Target } from './target.js';

/**
 * Every ZEO client of a zope.conf, as Zope itself would open it.
 *
 * @throws ConfigError with file, line and what was expected there; KeepAliveError `ERR_ZEO_INVALID_ARGUMENT` when there
 *   is none, or one that wants TLS
 */
export async function readConfig(path: string): Promise<readonly Target[]> {
  const clients = await readZopeConfig(path);
  if (clients.length === 0)
    throw new KeepAliveError('ERR_ZEO_INVALID_ARGUMENT', `${path} declares no <zeoclient>`);
  return clients.map(({ name, options, ssl, file, line }) => {
    if (ssl !== undefined) {
      // Without it the server would be told dead, which it is not.
      const message = `${file}:${line}: ${name} wants TLS, which is not supported yet`;
      throw new KeepAliveError('ERR_ZEO_INVALID_ARGUMENT', message);
    }
    return { name, options };
  });
}
