import { ProtocolError } from '../model/errors.js';
import type { PythonTimeZone } from '../python/date-time.js';
import { PythonGlobal } from '../python/global.js';
import { PythonComplex, PythonDecimal } from '../python/numbers.js';
import { isCallee, PythonObject } from '../python/object.js';
import type { Call, CallContext } from './call.js';
import { dateCalls, utc } from './date-calls.js';

/** Python 3 renamed some modules (`Lib/_compat_pickle.py`). */
const newNames: ReadonlyMap<string, string> = new Map([
  ['__builtin__', 'builtins'],
  ['copy_reg', 'copyreg'],
]);

/**
 * The known callables, by dotted name. Nothing is ever called: each creates the data that the call stands for. All other
 * calls, and calls of these with arguments that Python does not write, stay a {@link PythonObject}.
 */
const calls: ReadonlyMap<string, Call> = new Map<string, Call>([
  ...dateCalls,
  ['decimal.Decimal', decimal],
  ['builtins.complex', complex],
  ['builtins.set', set],
  ['builtins.frozenset', set],
  ['builtins.bytes', (args) => (args.length === 0 ? new Uint8Array(0) : undefined)],
  ['builtins.bytearray', byteArray],
  ['builtins.getattr', nestedGlobal],
  ['_codecs.encode', encode],
  ['copyreg._reconstructor', reconstruct],
  ['copyreg.__newobj__', ([cls, ...args]) => newValue(cls, args)],
  ['copyreg.__newobj_ex__', ([cls, args, kwargs]) => makeInstance(cls, args, kwargs)],
  ['ZODB.broken.rebuild', rebuildBroken],
]);

/** Longer than any known name. A name of any length would be looked up as often as the memo returns it. */
const maxNameLength = 60;

/**
 * The value of `callee(*args)` for `REDUCE`: data if the callee is known, else the call itself.
 *
 * @throws ProtocolError for a callee that cannot be called.
 */
export function callValue(callee: unknown, args: unknown, context: CallContext): unknown {
  const instance = makeInstance(callee, args);
  if (isUtc(instance)) return utc();
  const call = knownCall(callee);
  if (call === undefined) return instance;
  // The memo may return the same arguments again and again, and some calls copy them.
  context.budget.spend(instance.args.length);
  return call(instance.args, context) ?? instance;
}

function knownCall(callee: unknown): Call | undefined {
  if (!(callee instanceof PythonGlobal)) return undefined;
  const { module, name } = callee;
  if (module.length + name.length > maxNameLength) return undefined;
  return calls.get(`${newNames.get(module) ?? module}.${name}`);
}

/**
 * An instance of a class, or the result of a call, as data.
 *
 * @throws ProtocolError for a class that cannot be called.
 */
export function makeInstance(cls: unknown, args: unknown, kwargs?: unknown): PythonObject {
  if (!isCallee(cls)) throw new ProtocolError('Pickle calls something other than a class');
  if (!Array.isArray(args)) throw new ProtocolError('Pickle calls with arguments other than a tuple');
  if (kwargs === undefined) return new PythonObject(cls, args);
  if (kwargs instanceof Map) return new PythonObject(cls, args, kwargs);
  throw new ProtocolError('Pickle calls with named arguments other than a dict');
}

/** The value of `cls.__new__(cls, *args)`. A state may follow. */
export function newValue(cls: unknown, args: unknown): PythonObject | PythonTimeZone {
  const instance = makeInstance(cls, args);
  return isUtc(instance) ? utc() : instance;
}

/** The only known class whose instances need neither arguments nor a state. */
function isUtc({ class: cls }: PythonObject): boolean {
  if (!(cls instanceof PythonGlobal) || cls.name !== 'tzutc') return false;
  return cls.module === 'dateutil.tz' || cls.module === 'dateutil.tz.tz';
}

/** Pickle below protocol 2: `base.__new__(cls, state)`, where the state of a plain object is `None`. */
function reconstruct([cls, base, state]: readonly unknown[]): PythonObject | PythonTimeZone {
  const isPlain = base instanceof PythonGlobal && base.name === 'object';
  return newValue(cls, isPlain ? [] : [state]);
}

/** An object whose class was missing when it was loaded and written back (`ZODB/broken.py: Broken.__reduce__`). */
function rebuildBroken([module, name, ...args]: readonly unknown[]): PythonObject | undefined {
  if (typeof module !== 'string' || typeof name !== 'string') return undefined;
  return new PythonObject(new PythonGlobal(module, name), args);
}

/** How pickle writes a class method, and below protocol 4 a nested class. */
function nestedGlobal([owner, name]: readonly unknown[], { budget }: CallContext): PythonGlobal | undefined {
  if (!(owner instanceof PythonGlobal) || typeof name !== 'string') return undefined;
  budget.copy(owner.name.length + name.length);
  return new PythonGlobal(owner.module, `${owner.name}.${name}`);
}

function set([items = []]: readonly unknown[], { budget }: CallContext): Set<unknown> | undefined {
  if (!Array.isArray(items)) return undefined;
  budget.spend(items.length);
  return new Set(items);
}

function complex([real, imaginary]: readonly unknown[]): PythonComplex | undefined {
  if (typeof real !== 'number' || typeof imaginary !== 'number') return undefined;
  return new PythonComplex(real, imaginary);
}

function decimal([value]: readonly unknown[], { budget, strings }: CallContext): PythonDecimal | undefined {
  const text = strings.text(value);
  if (text === undefined) return undefined;
  budget.copy(text.length);
  return PythonDecimal.isText(text) ? new PythonDecimal(text) : undefined;
}

/** Python 3's bytes below protocol 3. */
function encode([text, encoding]: readonly unknown[], { budget }: CallContext): Uint8Array | undefined {
  if (typeof text !== 'string' || (encoding !== 'latin1' && encoding !== 'latin-1')) return undefined;
  budget.copy(text.length);
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0xff) return undefined;
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

/** Below protocol 5, in two forms. Not copied: nothing here changes it, so it may be shared. */
function byteArray(args: readonly unknown[], context: CallContext): Uint8Array | undefined {
  const [content] = args;
  if (args.length === 0) return new Uint8Array(0);
  if (args.length === 1) return content instanceof Uint8Array ? content : undefined;
  return encode(args, context);
}
