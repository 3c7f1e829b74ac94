import { ProtocolError } from '../model/errors.js';
import type { PickleStack } from '../pickle/stack.js';
import { PythonTimeZone } from '../python/date-time.js';
import { PythonObject } from '../python/object.js';

/*
 * How pickle fills the container or object on the top of its stack. All throw a ProtocolError for a target of another kind.
 */

export function appendItems(stack: PickleStack, items: readonly unknown[]): void {
  const target = stack.top;
  if (target instanceof PythonObject) target.items ??= [];
  const list = target instanceof PythonObject ? target.items : target;
  if (!Array.isArray(list)) throw new ProtocolError('Pickle appends to something other than a list');
  for (const item of items) list.push(item);
}

export function addItems(stack: PickleStack, items: readonly unknown[]): void {
  const target = stack.top;
  if (!(target instanceof Set)) throw new ProtocolError('Pickle adds an item to something other than a set');
  for (const item of items) target.add(item);
}

/** @param items keys and values in turn. */
export function setItems(stack: PickleStack, items: readonly unknown[]): void {
  const target = stack.top;
  if (items.length % 2 !== 0) throw new ProtocolError('Pickle has a dict key without a value');
  if (target instanceof PythonObject) target.entries ??= new Map();
  const dict = target instanceof PythonObject ? target.entries : target;
  if (!(dict instanceof Map)) throw new ProtocolError('Pickle sets an item of something other than a dict');
  for (let index = 0; index < items.length; index += 2) dict.set(items[index], items[index + 1]);
}

export function setState(stack: PickleStack, state: unknown): void {
  const target = stack.top;
  // The `__dict__` of a zone of dateutil: empty, or attributes that a program has added.
  if (target instanceof PythonTimeZone && state instanceof Map) return;
  if (!(target instanceof PythonObject))
    throw new ProtocolError('Pickle gives a state to something other than an object');
  target.state = state;
}
