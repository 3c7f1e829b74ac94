import path from 'node:path';
import { ConfigError } from './config-error.js';
import type { Position } from './document.js';

/**
 * The path of the file that an `%include` names. ZConfig takes its argument for a URL relative to the including file's:
 * `%20` is a space, a `#` begins a fragment. It would also fetch a real URL, or a `package:` resource by way of Python's
 * import; this does neither.
 *
 * @throws ConfigError `ERR_ZCONFIG_INCLUDE`
 */
export function includedPath(target: string, at: Position): string {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(target)?.[1]?.toLowerCase();
  if (scheme === 'package') throw refused(at, 'a package: resource, which only Python can find');
  if (scheme !== undefined && scheme !== 'file')
    throw refused(at, `a URL (${scheme}:), which is not fetched`);
  const location = (scheme === undefined ? target : target.slice('file:'.length)).replace(/^\/\/(?=\/)/, '');
  if (location.startsWith('//')) throw refused(at, 'a file of another host');
  const [encoded = '', fragment = ''] = location.split(/#(.*)/s);
  if (fragment !== '') throw refused(at, 'a # with something after it (write %23 for a # in a name)');
  const decoded = encoded.replace(/(?:%[0-9a-f]{2})+/gi, decode);
  return path.isAbsolute(decoded) ? path.normalize(decoded) : path.join(path.dirname(at.file), decoded);
}

/** What is no UTF-8 stays as it is, as with Python's `unquote`. */
function decode(escapes: string): string {
  try {
    return decodeURIComponent(escapes);
  } catch {
    return escapes;
  }
}

function refused(at: Position, found: string): ConfigError {
  return new ConfigError('ERR_ZCONFIG_INCLUDE', at, { expected: 'the path of a file after %include', found });
}
