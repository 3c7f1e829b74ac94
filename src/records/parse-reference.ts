import { ProtocolError } from '../model/errors.js';
import { PythonGlobal } from '../python/global.js';
import { PersistentReference } from '../python/persistent-reference.js';
import { copyId, isId } from '../zodb/ids.js';
import type { Python2Strings } from './python2-strings.js';

/**
 * Reads a persistent id (`ZODB/serialize.py: ObjectReader._persistent_load`). Lists and tuples are distinguished by their
 * content: the type of an extended reference is one letter, an oid never is.
 *
 * @param wantsClass whether the class is wanted; if not, it may be anything
 * @throws ProtocolError for anything that ZODB does not write.
 */
export function parseReference(id: unknown, strings: Python2Strings, wantsClass = true): PersistentReference {
  if (!Array.isArray(id)) return new PersistentReference(oidOf(id, strings));
  const [first, second] = id;
  if (id.length === 1) return new PersistentReference(oidOf(first, strings), { weak: true });
  if (id.length !== 2) throw unknownForm();
  const type = isId(first) ? undefined : strings.text(first);
  if (type?.length !== 1) {
    return new PersistentReference(oidOf(first, strings), {
      class: wantsClass ? parseClass(second, strings) : undefined,
    });
  }
  return parseExtended(type, second, strings, wantsClass);
}

/**
 * Reads a class in a reference or record: a global, its module and name, or a reference to a persistent class.
 *
 * @throws ProtocolError for anything else.
 */
export function parseClass(value: unknown, strings: Python2Strings): PythonGlobal | PersistentReference {
  if (value instanceof PythonGlobal || value instanceof PersistentReference) return value;
  if (Array.isArray(value) && value.length === 2) {
    const [module, name] = value.map((part) => strings.text(part));
    if (module !== undefined && name !== undefined) return new PythonGlobal(module, name);
  }
  throw new ProtocolError('Record has a malformed class: expected a global or a reference');
}

function parseExtended(
  type: string,
  args: unknown,
  strings: Python2Strings,
  wantsClass: boolean,
): PersistentReference {
  if (!Array.isArray(args)) throw unknownForm();
  const form = `${type}${args.length}`;
  switch (form) {
    case 'w1':
      return new PersistentReference(oidOf(args[0], strings), { weak: true });
    case 'w2':
      return new PersistentReference(oidOf(args[0], strings), {
        weak: true,
        database: databaseOf(args[1], strings),
      });
    case 'n2':
      return new PersistentReference(oidOf(args[1], strings), { database: databaseOf(args[0], strings) });
    case 'm3':
      return new PersistentReference(oidOf(args[1], strings), {
        database: databaseOf(args[0], strings),
        class: wantsClass ? parseClass(args[2], strings) : undefined,
      });
    default:
      throw unknownForm();
  }
}

/** Python 2 wrote oids as strings, some of which are ASCII and so became text. */
function oidOf(value: unknown, strings: Python2Strings): Uint8Array {
  const oid = strings.bytes(value);
  if (!isId(oid)) throw new ProtocolError('Record has a reference whose oid is not 8 bytes');
  return copyId(oid);
}

function databaseOf(value: unknown, strings: Python2Strings): string {
  const name = strings.text(value);
  if (name === undefined) throw unknownForm();
  return name;
}

function unknownForm(): ProtocolError {
  return new ProtocolError('Record has a reference of an unknown form');
}
