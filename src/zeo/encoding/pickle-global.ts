import { ProtocolError } from '../../model/errors.js';
import { PythonGlobal } from '../../python/global.js';
import { isCallee, PythonObject } from '../../python/object.js';
import { isDict, PythonException, type Value } from './values.js';

/**
 * The callables that stand for data, by dotted name. They are never called: each makes the value that the call would
 * have returned.
 *
 * - `_codecs.encode` and `bytes` are how Python 3 writes bytes below pickle protocol 3;
 * - `dict`, `list` and `tuple` are what a class of its own, as of a transaction's extension, may reduce itself to;
 * - `_recon` is how ZODB's own exceptions pickle themselves (`ZODB/POSException.py: POSError.__reduce__`).
 */
const functions: ReadonlyMap<string, (args: readonly unknown[]) => Value> = new Map<
  string,
  (args: readonly unknown[]) => Value
>([
  ['_codecs.encode', latin1],
  ['__builtin__.bytes', noBytes],
  ['builtins.bytes', noBytes],
  ['__builtin__.dict', dict],
  ['builtins.dict', dict],
  ['__builtin__.list', sequence],
  ['builtins.list', sequence],
  ['__builtin__.tuple', sequence],
  ['builtins.tuple', sequence],
  ['ZODB.POSException._recon', reconstruct],
]);

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
 * What a global of a pickle stands for here: an exception class, as the instance without arguments that Python
 * makes of it when it is raised, or its name.
 *
 * @throws ProtocolError that names the global, for one that is not known here where `keepsUnknown` is false.
 */
export function resolveGlobal(
  module: string,
  name: string,
  keepsUnknown: boolean,
): PythonException | PythonGlobal {
  const dotted = `${module}.${name}`;
  if (dottedName.test(dotted) && (exceptionName.test(name) || oddExceptions.has(dotted))) {
    return new PythonException(dotted, []);
  }
  if (keepsUnknown || functions.has(dotted)) return new PythonGlobal(module, name);
  throw new ProtocolError(
    `Pickle names a global that is not allowed: ${JSON.stringify(dotted.slice(0, 200))}`,
  );
}

/**
 * The value that `callee(*args)` has in Python, where it is known here; else what the call says, as data.
 *
 * @throws ProtocolError for arguments that Python's pickler does not write.
 */
export function construct(callee: unknown, args: unknown): Value {
  if (!Array.isArray(args)) throw new ProtocolError('Pickle calls with arguments other than a tuple');
  if (callee instanceof PythonException) return new PythonException(callee.className, args);
  if (!isCallee(callee)) throw new ProtocolError('Pickle calls something other than a class');
  const call = callee instanceof PythonGlobal ? functions.get(callee.toString()) : undefined;
  return call === undefined ? new PythonObject(callee, args) : call(args);
}

/** `dict(pairs)` or `dict(other)`: always a new one, as what it is made of may have been put aside, or be changed no more. */
function dict(args: readonly unknown[]): Value {
  const [source = []] = args;
  if (args.length > 1) throw new ProtocolError('Pickle calls dict with more than one argument');
  if (source instanceof Map) return new Map(source);
  if (isDict(source)) return Object.assign(Object.create(null), source);
  const isPairs = Array.isArray(source) && source.every((pair) => Array.isArray(pair) && pair.length === 2);
  if (!isPairs) throw new ProtocolError('Pickle calls dict with something other than pairs');
  const hasTextKeys = source.every(([key]) => typeof key === 'string');
  // No prototype: `__proto__` is a key like any other.
  return hasTextKeys ? Object.assign(Object.create(null), Object.fromEntries(source)) : new Map(source);
}

/** `list(items)` or `tuple(items)`: always a new one, as with `dict`. */
function sequence(args: readonly unknown[]): Value {
  const [items = []] = args;
  if (args.length > 1 || !Array.isArray(items))
    throw new ProtocolError('Pickle calls list or tuple with something other than a sequence');
  return [...items];
}

function noBytes(args: readonly unknown[]): Uint8Array {
  if (args.length !== 0) throw new ProtocolError('Pickle calls bytes with arguments');
  return new Uint8Array(0);
}

/** As long as its text: which is in the message, or was charged for when it was fetched from the memo. */
function latin1(args: readonly unknown[]): Uint8Array {
  const [text, encoding] = args;
  if (args.length !== 2 || typeof text !== 'string' || (encoding !== 'latin1' && encoding !== 'latin-1')) {
    throw new ProtocolError('Pickle calls _codecs.encode with other than text and latin1');
  }
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit > 0xff) throw new ProtocolError('Pickle encodes text as latin1 that is not');
    bytes[index] = unit;
  }
  return bytes;
}

/** `_recon(class, state)`, where the state is the attribute dict with the arguments under `args`. */
function reconstruct(args: readonly unknown[]): PythonException {
  const [cls, state] = args;
  if (args.length !== 2 || !(cls instanceof PythonException) || !isDict(state)) {
    throw new ProtocolError('Pickle calls _recon with other than an exception class and its state');
  }
  // Taken out of the state: what is reachable twice at every level of a nest doubles with each.
  const { args: exceptionArgs, ...attributes } = state;
  const rest = Object.keys(attributes).length > 0 ? Object.assign(Object.create(null), attributes) : null;
  return new PythonException(cls.className, Array.isArray(exceptionArgs) ? exceptionArgs : [], rest);
}
