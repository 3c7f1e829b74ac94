import path from 'node:path';
import { ConfigError } from './config-error.js';
import type { Position } from './document.js';

/**
 * The path of the file that an `%include` names. In ZConfig its argument is a URL relative to the including file:
 * `%20` is a space, a `#` begins a fragment. ZConfig would also fetch a real URL, or import a `package:` resource; this does
 * neither.
 *
 * @throws ConfigError `ERR_ZCONFIG_INCLUDE`
 */
export function includedPath(target: string, at: Position): string {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(target)?.[1]?.toLowerCase();
  if (scheme === 'package') throw refused(at, 'a package: resource, which only Python can find');
  if (scheme !== undefined && scheme !== 'file')
    throw refused(at, `a URL (${scheme}:), which is not fetched`);
  const location = (scheme === undefined ? target : target.slice('file:'.length)).replace(/^\/\/(?=\/)/, '');
  if (location.startsWith('//')) throw refused(at, 'a file on another host');
  const [encoded = '', fragment = ''] = location.split(/#(.*)/s);
  if (fragment !== '') throw refused(at, 'a # with something after it (write %23 for a # in a name)');
  const decoded = encoded.replace(/(?:%[0-9a-f]{2})+/gi, decode);
  return path.isAbsolute(decoded) ? path.normalize(decoded) : path.join(path.dirname(at.file), decoded);
}

/** Escapes that are not valid UTF-8 stay as they are, as in Python's `unquote`. */
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
