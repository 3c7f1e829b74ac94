import { PythonObject } from '../../python/object.js';
import { typeName } from '../encoding/python-values.js';
import { isDict, type Value } from '../encoding/values.js';
import { attributeError, typeError } from '../memory-storage/python-errors.js';

/** The path of a `ZopeUndo.Prefix`, with which Zope asks for the transactions of a part of a site; `undefined` for other values. */
export function prefixPath(value: Value): readonly Value[] | undefined {
  if (!(value instanceof PythonObject) || String(value.class) !== 'ZopeUndo.Prefix.Prefix') return undefined;
  const path = isDict(value.state) ? value.state.path : undefined;
  return Array.isArray(path) ? path : undefined;
}

/**
 * Whether the elements of a path start with those of a prefix; the name of a user after the path does not count.
 * Source: ZopeUndo/Prefix.py, `__eq__`.
 *
 * @throws ServerError for other values than text, as ZEO's own server: also for bytes, which the user of a transaction is.
 */
export function startsWithPath(value: Value, prefix: readonly Value[]): boolean {
  if (value instanceof Uint8Array) throw typeError("a bytes-like object is required, not 'str'");
  if (typeof value !== 'string') throw attributeError(typeName(value), 'split');
  const elements = value.replace(/ [^ /]*$/, '').split('/');
  return prefix.length <= elements.length && prefix.every((element, index) => element === elements[index]);
}
