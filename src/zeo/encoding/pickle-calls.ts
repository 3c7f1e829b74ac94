import { ProtocolError } from '../../model/errors.js';
import { isDict, PythonException, type Value } from './values.js';

/** What a call with these arguments would return; `undefined` where the call itself is kept as data. */
type Call = (args: readonly unknown[]) => Value | undefined;

/**
 * The callables that stand for data, by dotted name. They are never called: each makes the value that the call would
 * have returned.
 *
 * - `_codecs.encode` and `bytes` are how Python 3 writes bytes below pickle protocol 3;
 * - the types are what a class of a client may reduce itself to, e.g. that of a transaction's extension;
 * - `_recon` is how ZODB's own exceptions pickle themselves (`ZODB/POSException.py: POSError.__reduce__`).
 *
 * @throws ProtocolError for arguments with which the call would fail in Python.
 */
export const pickleCalls: ReadonlyMap<string, Call> = new Map<string, Call>([
  ['_codecs.encode', latin1],
  ['ZODB.POSException._recon', reconstruct],
  ['zodbpickle.binary', (args) => same(args, new Uint8Array(0), (value) => value instanceof Uint8Array)],
  ...['builtins', '__builtin__'].flatMap((module): [string, Call][] => [
    [`${module}.dict`, dict],
    [`${module}.list`, sequence],
    [`${module}.tuple`, sequence],
    [`${module}.bytes`, (args) => same(args, new Uint8Array(0), (value) => value instanceof Uint8Array)],
    [`${module}.str`, (args) => same(args, '', (value) => typeof value === 'string')],
    [`${module}.int`, (args) => same(args, 0, isInteger)],
    [`${module}.float`, (args) => same(args, 0, (value) => typeof value === 'number')],
    [`${module}.bool`, (args) => same(args, false, (value) => typeof value === 'boolean')],
  ]),
]);

/** `type()` and `type(value)`, where the value is of that type already. */
function same(
  args: readonly unknown[],
  empty: Value,
  isOfType: (value: unknown) => boolean,
): Value | undefined {
  if (args.length === 0) return empty;
  return args.length === 1 && isOfType(args[0]) ? (args[0] as Value) : undefined;
}

const isInteger = (value: unknown) => Number.isInteger(value) || typeof value === 'bigint';

/** `dict(pairs)` or `dict(other)`: always a new one, as its source may be in the memo, and must not change there. */
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
