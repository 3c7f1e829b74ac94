import { ProtocolError } from '../../errors.js';
import { UnknownGlobal } from './unknown-global.js';
import { isDict, PythonException, type Value } from './values.js';

/**
 * The only callables that a pickle may name beside exception classes. They stand for data, and are never
 * called: {@link construct} makes the value that the call would have returned.
 *
 * - `_codecs.encode` and `bytes` are how Python 3 writes bytes below pickle protocol 3;
 * - `_recon` is how ZODB's own exceptions pickle themselves (`ZODB/POSException.py: POSError.__reduce__`).
 */
export class PickleFunction {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

const functions: ReadonlyMap<string, PickleFunction> = new Map(
  ['_codecs.encode', '__builtin__.bytes', 'builtins.bytes', 'ZODB.POSException._recon'].map((name) => [
    name,
    new PickleFunction(name),
  ]),
);

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
 * makes of it when it is raised, or one of the few {@link PickleFunction}s.
 *
 * @throws UnknownGlobal that names the global, for any other.
 */
export function resolveGlobal(module: string, name: string): PythonException | PickleFunction {
  const dotted = `${module}.${name}`;
  const known = functions.get(dotted);
  if (known !== undefined) return known;
  if (dottedName.test(dotted) && (exceptionName.test(name) || oddExceptions.has(dotted))) {
    return new PythonException(dotted, []);
  }
  throw new UnknownGlobal(dotted);
}

/**
 * The value that `callee(*args)` has in Python, for what {@link resolveGlobal} lets pass.
 *
 * @throws ProtocolError for arguments that Python's pickler does not write.
 */
export function construct(callee: unknown, args: unknown): Value {
  if (!Array.isArray(args)) throw new ProtocolError('Pickle calls with arguments that are no tuple');
  if (callee instanceof PythonException) return new PythonException(callee.className, args);
  if (!(callee instanceof PickleFunction)) throw new ProtocolError('Pickle calls what is no class');
  switch (callee.name) {
    case '_codecs.encode':
      return latin1(args);
    case 'ZODB.POSException._recon':
      return reconstruct(args);
    default:
      if (args.length !== 0) throw new ProtocolError('Pickle calls bytes with arguments');
      return new Uint8Array(0);
  }
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
