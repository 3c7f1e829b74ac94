import { ProtocolError } from '../../model/errors.js';
import {
  bytesCost,
  freeRepetition,
  maxDepth,
  maxRepetition,
  maxValues,
  objectCost,
} from '../../pickle/limits.js';
import { hexOf, PickleMachine } from '../../pickle/machine.js';
import { parseLong } from '../../pickle/number.js';
import { readScalar } from '../../pickle/scalar.js';
import { PythonObject } from '../../python/object.js';
import { construct, resolveGlobal, type Sender } from './pickle-global.js';
import { PickleMemo } from './pickle-memo.js';
import { measureTree } from './value-tree.js';
import { isDict, PythonException, type Value } from './values.js';

/**
 * The value of one pickle, by construction only: no class is looked up and nothing is ever called.
 *
 * Rules that keep it harmless, whatever the bytes:
 * - A container that was fetched from the memo can no longer change, so there are no cycles.
 * - A fetch is charged for the whole value, text and bytes by their length. So a value is never much larger than its
 *   message, even when printed.
 *
 * Classes and functions are names here (PythonGlobal), and what they would make, such as a datetime, is the call
 * (PythonObject).
 *
 * @param sender which of them it may name.
 * @throws ProtocolError for anything else than one well-formed pickle of data.
 */
export function decodePickle(bytes: Uint8Array, sender: Sender): Value {
  return new MessageUnpickler(bytes, sender).load();
}

/** The pickle machine of messages: few types, no circles, and fast. */
class MessageUnpickler extends PickleMachine {
  readonly #sender: Sender;
  /** Created on demand: ZEO's own pickler does not use it. */
  #memo: PickleMemo | undefined;
  #budget = maxValues;
  /** How much may still be fetched, as `TreeSize.length` has it. */
  #repetition: number;
  #containers = 0;

  constructor(bytes: Uint8Array, sender: Sender) {
    super(bytes);
    this.#sender = sender;
    this.#repetition = maxRepetition * bytes.length + freeRepetition;
  }

  load(): Value {
    const value = this.run();
    const { remaining } = this.reader;
    if (remaining > 0) throw new ProtocolError(`Pickle is followed by ${remaining} bytes`);
    // Fewer containers than levels cannot nest too deep: the walk is for the rare message.
    if (this.#containers > maxDepth) measureTree(value, { count: maxValues, length: Infinity });
    return value as Value;
  }

  protected readScalar(opcode: number): unknown {
    return readScalar(this.reader, opcode);
  }

  protected pushScalar(value: unknown): void {
    this.#push(value, value instanceof Uint8Array ? bytesCost : 1);
  }

  protected pushSequence(items: unknown[]): void {
    this.#pushContainer(items);
  }

  protected spend(values: number): void {
    this.#budget -= values;
    if (this.#budget < 0) throw new ProtocolError('Message holds too many values');
  }

  #push(value: unknown, cost = 1): void {
    this.spend(cost);
    this.stack.push(value);
  }

  #pushContainer(value: unknown, cost = 1): void {
    this.#containers++;
    this.#push(value, cost);
  }

  protected pushDict(): void {
    this.spend(objectCost);
    // No prototype: `__proto__` is a key like any other.
    this.#pushContainer(Object.create(null));
  }

  protected pushCall(callee: unknown, args: unknown): void {
    const value = construct(callee, args);
    this.spend(costOf(value));
    this.#pushContainer(value);
  }

  protected pushGlobal(module: string, name: string): void {
    this.#pushContainer(resolveGlobal(module, name, this.#sender), bytesCost);
  }

  /** No ZEO peer sends sets, persistent ids, codes of the extension registry, old-style instances or `POP`. */
  protected runOther(opcode: number): never {
    throw new ProtocolError(`Pickle opcode ${hexOf(opcode)} is not allowed in a message`);
  }

  /** The container on the top of the stack, about to be changed. */
  #openContainer(): unknown {
    const target = this.stack.top;
    if (this.#memo?.isSealed(target))
      throw new ProtocolError('Pickle changes what it has referred to: a cycle');
    return target;
  }

  protected appendItems(items: readonly unknown[]): void {
    const target = this.#openContainer();
    if (target instanceof PythonObject) target.items ??= [];
    const list = target instanceof PythonObject ? target.items : target;
    if (!Array.isArray(list)) throw new ProtocolError('Pickle appends to something other than a list');
    for (const item of items) list.push(item);
  }

  protected setItems(items: readonly unknown[]): void {
    const target = this.#openContainer();
    if (items.length % 2 !== 0) throw new ProtocolError('Pickle has a dict key without a value');
    if (target instanceof PythonObject) setMapItems(this.#entriesOf(target), items);
    else if (target instanceof Map) setMapItems(target, items);
    else if (!isDict(target)) throw new ProtocolError('Pickle sets an item of something other than a dict');
    else if (!setDictItems(target, items)) this.#becomeMap(target, items);
  }

  #entriesOf(object: PythonObject): Map<unknown, unknown> {
    if (object.entries === undefined) this.spend(objectCost);
    object.entries ??= new Map();
    return object.entries;
  }

  /** The first key other than text turns the dict into a Map. */
  #becomeMap(dict: object, items: readonly unknown[]): void {
    const map = new Map<unknown, unknown>(Object.entries(dict));
    setMapItems(map, items);
    this.stack.replaceTop(map);
    this.#memo?.replace(dict, map);
  }

  protected setState(state: unknown): void {
    const target = this.#openContainer();
    if (!(target instanceof PythonException || target instanceof PythonObject))
      throw new ProtocolError('Pickle gives a state to something other than an exception or object');
    Object.assign(target, { state });
  }

  protected readName(): string {
    return this.reader.asciiLine();
  }

  protected readMemoIndex(): number {
    const index = parseLong(this.reader.asciiLine());
    if (typeof index !== 'number') throw new ProtocolError('Pickle has a memo index that is too large');
    return index;
  }

  protected get memoSize(): number {
    return this.#memo?.size ?? 0;
  }

  protected put(index: number): void {
    this.spend(1);
    this.#memo ??= new PickleMemo();
    this.#memo.put(index, this.stack.top);
  }

  protected get(index: number): void {
    this.#memo ??= new PickleMemo();
    const value = this.#memo.get(index);
    // Forces the walk at the end: the containers are reachable more than once now.
    const { count, length } = measureTree(value, { count: this.#budget, length: this.#repetition });
    this.spend(count);
    this.#repetition -= length;
    this.#containers += maxDepth;
    this.#push(value);
  }
}

/** Sets the items up to the first key other than text. @returns whether that was all */
function setDictItems(dict: { [key: string]: unknown }, items: readonly unknown[]): boolean {
  for (let index = 0; index < items.length; index += 2) {
    const key = items[index];
    if (typeof key !== 'string') return false;
    dict[key] = items[index + 1];
  }
  return true;
}

function setMapItems(map: Map<unknown, unknown>, items: readonly unknown[]): void {
  for (let index = 0; index < items.length; index += 2) map.set(items[index], items[index + 1]);
}

/** The cost of the result of a call, beyond that of its arguments. */
function costOf(value: Value): number {
  if (value instanceof PythonObject) return objectCost;
  if (value instanceof Map) return objectCost + value.size;
  if (isDict(value)) return objectCost + Object.keys(value).length;
  return Array.isArray(value) ? value.length : 0;
}
