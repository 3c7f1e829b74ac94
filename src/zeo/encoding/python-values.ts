import { PythonObject } from '../../python/object.js';
import { isDict, type Value } from './values.js';

/* How Python sees the values of a message. Source: its data model, "Rich comparison" and "Truth value testing". */

/** The name of its type, as Python's errors have it. */
export function typeName(value: Value): string {
  if (value === null) return 'NoneType';
  if (value instanceof Uint8Array) return 'bytes';
  if (Array.isArray(value)) return 'tuple';
  if (value instanceof Map || isDict(value)) return 'dict';
  if (value instanceof PythonObject) return String(value.class).replace(/^.*\./, '');
  switch (typeof value) {
    case 'string':
      return 'str';
    case 'boolean':
      return 'bool';
    case 'number':
      return Number.isInteger(value) ? 'int' : 'float';
    case 'bigint':
      return 'int';
    default:
      return 'object';
  }
}

/** `bool(value)`: `None`, zero and empty containers are false. */
export function isTruthy(value: Value): boolean {
  if (value instanceof Uint8Array || Array.isArray(value)) return value.length > 0;
  if (Number.isNaN(value)) return true;
  const entries = entriesOf(value);
  return entries === undefined ? Boolean(value) : entries.length > 0;
}

/** `a == b`: a number may equal a boolean, and containers are compared by their contents. */
export function isEqual(a: Value | undefined, b: Value | undefined): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  const [x, y] = [numberOf(a), numberOf(b)];
  // By order, so that a number can equal a bigint.
  if (x !== undefined && y !== undefined) return x <= y && x >= y;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => isEqual(item, b[index]));
  }
  const [left, right] = [entriesOf(a), entriesOf(b)];
  if (left === undefined || right === undefined) return a === b;
  if (left.length !== right.length) return false;
  const others = new Map(right.map(([key, value]) => [keyText(key), value]));
  return left.every(([key, value]) => {
    const other = others.get(keyText(key));
    return other !== undefined && isEqual(value, other);
  });
}

/** The same text for equal keys, so that dicts are compared in linear time. */
function keyText(key: Value): string {
  if (key instanceof Uint8Array) return `b${Buffer.from(key).toString('latin1')}`;
  if (Array.isArray(key)) return `t${JSON.stringify(key.map(keyText))}`;
  return `${typeof (numberOf(key) ?? key) === 'string' ? 's' : 'n'}${numberOf(key) ?? key}`;
}

/** The entries of a dict; `undefined` for any other value. */
export function entriesOf(value: Value | undefined): readonly (readonly [Value, Value])[] | undefined {
  if (value instanceof Map) return [...value];
  return isDict(value) ? Object.entries(value) : undefined;
}

/** A number, or a boolean as one; `undefined` for any other value. */
export function numberOf(value: Value | undefined): number | bigint | undefined {
  if (typeof value === 'boolean') return Number(value);
  return typeof value === 'number' || typeof value === 'bigint' ? value : undefined;
}

/** The items of `for … in value`; `undefined` for a value that cannot be iterated. */
export function iterated(value: Value): readonly Value[] | undefined {
  if (Array.isArray(value)) return value;
  if (value instanceof Uint8Array || typeof value === 'string') return [...value];
  return entriesOf(value)?.map(([key]) => key);
}
