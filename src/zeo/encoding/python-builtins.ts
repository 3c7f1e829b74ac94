import { PythonGlobal } from '../../python/global.js';

/*
 * The types of Python itself that a client may send, e.g. in a transaction's extension.
 *
 * ZEO's server resolves and calls anything in its modules `builtins` and `zodbpickle`, `eval` included
 * (ZEO/asyncio/marshal.py: `server_find_global`). Here only types of data are allowed, and nothing is ever called.
 */

const names: ReadonlySet<string> = new Set([
  ...['bool', 'int', 'float', 'complex', 'str', 'bytes', 'bytearray'],
  ...['list', 'tuple', 'dict', 'set', 'frozenset', 'range', 'slice'],
  ...['object', 'type', 'NotImplemented', 'Ellipsis'],
]);

/** Python's own exceptions are all named by this convention. */
const exceptionName =
  /^[A-Z][A-Za-z]{2,30}(?<=Error|Exception|ExceptionGroup|Warning|Interrupt|Exit|Iteration)$/;

/** Whether it is a type of data that both ZEO's server and a peer's unpickler know without importing anything of a program. */
export function isPythonBuiltin(module: string, name: string): boolean {
  if (module === 'ZopeUndo.Prefix') return name === 'Prefix';
  if (module === 'zodbpickle') return name === 'binary';
  return module === 'builtins' && (names.has(name) || exceptionName.test(name));
}

/** Whether its instances are made by `cls.__new__(cls)` and then filled: the one class here whose call needs arguments. */
export function isMadeByNew(callee: unknown): boolean {
  return callee instanceof PythonGlobal && callee.module === 'ZopeUndo.Prefix';
}
