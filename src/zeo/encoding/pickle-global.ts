import { ProtocolError } from '../../model/errors.js';
import { PythonGlobal } from '../../python/global.js';
import { isCallee, PythonObject } from '../../python/object.js';
import { pickleCalls } from './pickle-calls.js';
import { isPythonBuiltin } from './python-builtins.js';
import { PythonException, type Value } from './values.js';

/**
 * Who sent a pickle, which decides the classes and functions it may name:
 *
 * - A `client`: types of Python itself, as ZEO's own server allows.
 * - A `server`: any, since it passes on what it read from a database. Exceptions are those that it answers with.
 */
export type Sender = 'client' | 'server';

/** Exception classes of ZODB, ZEO and transaction whose names do not follow {@link exceptionName}. */
const oddExceptions: ReadonlySet<string> = new Set([
  'ZODB.POSException.Unsupported',
  'ZODB.POSException.InvalidObjectReference',
  'ZEO.Exceptions.UnrecognizedResult',
  'transaction.interfaces.DoomedTransaction',
  'transaction.interfaces.NoTransaction',
  'transaction.interfaces.AlreadyInTransaction',
]);

/**
 * Python's naming convention for exception classes. Nothing is imported, so it cannot be looked up; and nothing
 * is called, so a class that only sounds like one does no harm.
 */
const exceptionName =
  /^(?:\w+\.)*[A-Z]\w*(?<=Errors?|Exception|ExceptionGroup|Warning|Conflict|Disconnected|Interrupt|Exit|Iteration|Timeout)$/;
/** Tested first: it bounds the length. */
const dottedName = /^[A-Za-z_][\w.]{0,199}$/;

/**
 * What a global of a pickle stands for here: its name; or for an exception class of a server, the instance without
 * arguments that Python makes of it when it is raised.
 *
 * @throws ProtocolError that names the global, for one that the sender may not name.
 */
export function resolveGlobal(module: string, name: string, sender: Sender): PythonException | PythonGlobal {
  const dotted = `${module}.${name}`;
  if (sender === 'client') {
    if (isPythonBuiltin(module, name)) return new PythonGlobal(module, name);
    throw new ProtocolError(
      `Pickle names a global that is not allowed: ${JSON.stringify(dotted.slice(0, 200))}`,
    );
  }
  if (dottedName.test(dotted) && (exceptionName.test(name) || oddExceptions.has(dotted))) {
    return new PythonException(dotted, []);
  }
  return new PythonGlobal(module, name);
}

/**
 * The value that `callee(*args)` has in Python, where it is known here; otherwise the call itself, as data.
 *
 * @throws ProtocolError for arguments that Python's pickler does not write.
 */
export function construct(callee: unknown, args: unknown): Value {
  if (!Array.isArray(args)) throw new ProtocolError('Pickle calls with arguments other than a tuple');
  if (callee instanceof PythonException) return new PythonException(callee.className, args);
  if (!isCallee(callee)) throw new ProtocolError('Pickle calls something other than a class');
  const call = callee instanceof PythonGlobal ? pickleCalls.get(callee.toString()) : undefined;
  return call?.(args) ?? new PythonObject(callee, args);
}
