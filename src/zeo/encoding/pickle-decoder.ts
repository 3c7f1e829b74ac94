import { ProtocolError } from '../../model/errors.js';
import {
  dictCost,
  freeRepetition,
  maxDepth,
  maxRepetition,
  maxValues,
  objectCost,
} from '../../pickle/limits.js';
import { parseLong } from '../../pickle/number.js';
import { op } from '../../pickle/opcode.js';
import { PickleReader } from '../../pickle/reader.js';
import { readScalar } from '../../pickle/scalar.js';
import { PickleStack } from '../../pickle/stack.js';
import { PythonGlobal } from '../../python/global.js';
import { PythonObject } from '../../python/object.js';
import { construct, resolveGlobal } from './pickle-global.js';
import { PickleMemo } from './pickle-memo.js';
import { measureTree } from './value-tree.js';
import { isDict, PythonException, type Value } from './values.js';

/** Newest pickle protocol. ZEO itself writes 3 (`ZEO/asyncio/marshal.py: encoder`). */
const newestProtocol = 5;

/**
 * The value of one pickle, by construction only: no class is looked up and nothing is ever called.
 *
 * Rules that keep it harmless, whatever the bytes:
 * - The machine has no recursion; every length is checked against the bytes that are there.
 * - A container that was fetched from the memo is complete from then on. So there are no cycles.
 * - Fetching costs as much as all that is fetched, its text and bytes by their length. So what is small here is
 *   small when printed, too, and what a callable makes of text is never much longer than the message.
 *
 * @param keepsUnknown what to do with a class or function that is not known here, and what is made of one, such as a
 *   datetime: take it for a PythonGlobal or a PythonObject. By default it is refused.
 * @throws ProtocolError for anything else than one well-formed pickle of data.
 */
export function decodePickle(bytes: Uint8Array, keepsUnknown = false): Value {
  return new PickleMachine(bytes, keepsUnknown).run();
}

class PickleMachine {
  readonly #reader: PickleReader;
  readonly #keepsUnknown: boolean;
  readonly #stack = new PickleStack();
  /** Absent until it is needed: ZEO's own pickler writes none. */
  #memo: PickleMemo | undefined;
  #budget = maxValues;
  /** How much may still be fetched, as `TreeSize.length` has it. */
  #repetition: number;
  #containers = 0;
  /** Callables on the stack. Unless they are kept they are no values, so none may be left over. */
  #functions = 0;

  constructor(bytes: Uint8Array, keepsUnknown: boolean) {
    this.#reader = new PickleReader(bytes);
    this.#keepsUnknown = keepsUnknown;
    this.#repetition = maxRepetition * bytes.length + freeRepetition;
  }

  run(): Value {
    const reader = this.#reader;
    for (let opcode = reader.u8(); opcode !== op.stop; opcode = reader.u8()) {
      const scalar = readScalar(reader, opcode);
      if (scalar !== undefined) this.#push(scalar, scalar instanceof Uint8Array ? objectCost : 1);
      else this.#build(opcode);
    }
    if (reader.remaining > 0) throw new ProtocolError(`Pickle is followed by ${reader.remaining} bytes`);
    const value = this.#stack.result;
    if (this.#functions > 0 && !this.#keepsUnknown)
      throw new ProtocolError('Pickle has a callable for a value');
    // Fewer containers than levels cannot nest too deep: the walk is for the rare message.
    if (this.#containers > maxDepth) measureTree(value, { count: maxValues, length: Infinity });
    return value as Value;
  }

  #build(opcode: number): void {
    const stack = this.#stack;
    switch (opcode) {
      case op.mark:
        this.#spend(1);
        stack.mark();
        break;
      case op.tuple:
      case op.list:
        this.#pushContainer(stack.popToMark());
        break;
      case op.tuple1:
      case op.tuple2:
      case op.tuple3:
        this.#pushContainer(stack.popMany(opcode - op.tuple1 + 1));
        break;
      case op.emptyTuple:
      case op.emptyList:
        this.#pushContainer([]);
        break;
      case op.emptyDict:
        this.#pushDict();
        break;
      case op.dict: {
        const items = stack.popToMark();
        this.#pushDict();
        this.#setItems(items);
        break;
      }
      case op.setItem:
        this.#setItems(stack.popMany(2));
        break;
      case op.setItems:
        this.#setItems(stack.popToMark());
        break;
      case op.append:
        this.#append(stack.popMany(1));
        break;
      case op.appends:
        this.#append(stack.popToMark());
        break;
      default:
        this.#refer(opcode);
    }
  }

  #refer(opcode: number): void {
    const reader = this.#reader;
    switch (opcode) {
      case op.binPut:
        this.#put(reader.u8());
        break;
      case op.longBinPut:
        this.#put(reader.u32());
        break;
      case op.put:
        this.#put(this.#memoIndex());
        break;
      case op.memoize:
        this.#put(this.#memo?.size ?? 0);
        break;
      case op.binGet:
        this.#get(reader.u8());
        break;
      case op.longBinGet:
        this.#get(reader.u32());
        break;
      case op.get:
        this.#get(this.#memoIndex());
        break;
      default:
        this.#instantiate(opcode);
    }
  }

  #instantiate(opcode: number): void {
    const reader = this.#reader;
    switch (opcode) {
      case op.global:
        this.#pushGlobal(reader.asciiLine(), reader.asciiLine());
        break;
      case op.stackGlobal: {
        const [module, name] = this.#stack.popMany(2);
        this.#pushGlobal(module, name);
        break;
      }
      case op.reduce:
      case op.newObj: {
        const [callee, args] = this.#stack.popMany(2);
        if (callee instanceof PythonGlobal) this.#functions--;
        this.#pushInstance(construct(callee, args));
        break;
      }
      case op.build:
        this.#setState(this.#stack.pop());
        break;
      case op.proto:
        if (reader.u8() > newestProtocol) throw new ProtocolError('Pickle protocol is newer than 5');
        break;
      case op.frame:
        if (reader.length8() > reader.remaining)
          throw new ProtocolError('Pickle frame is longer than the pickle');
        break;
      default:
        throw new ProtocolError(`Pickle opcode 0x${opcode.toString(16).padStart(2, '0')} is not allowed`);
    }
  }

  #spend(cost: number): void {
    this.#budget -= cost;
    if (this.#budget < 0) throw new ProtocolError('Message holds too many values');
  }

  #push(value: unknown, cost = 1): void {
    this.#spend(cost);
    this.#stack.push(value);
  }

  #pushContainer(value: unknown, cost = 1): void {
    this.#containers++;
    this.#push(value, cost);
  }

  #pushDict(): void {
    this.#spend(dictCost);
    // No prototype: `__proto__` is a key like any other.
    this.#pushContainer(Object.create(null));
  }

  #pushInstance(value: unknown): void {
    if (value instanceof PythonObject) this.#spend(dictCost);
    this.#pushContainer(value);
  }

  #pushGlobal(module: unknown, name: unknown): void {
    if (typeof module !== 'string' || typeof name !== 'string') {
      throw new ProtocolError('Pickle has a global whose name is no text');
    }
    const value = resolveGlobal(module, name, this.#keepsUnknown);
    if (value instanceof PythonGlobal) this.#functions++;
    this.#pushContainer(value, objectCost);
  }

  /** The container on the top, which the opcode is about to change. */
  #openContainer(): unknown {
    const target = this.#stack.top;
    if (this.#memo?.isSealed(target))
      throw new ProtocolError('Pickle changes what it has referred to: a cycle');
    return target;
  }

  #append(items: readonly unknown[]): void {
    const target = this.#openContainer();
    if (target instanceof PythonObject) target.items ??= [];
    const list = target instanceof PythonObject ? target.items : target;
    if (!Array.isArray(list)) throw new ProtocolError('Pickle appends to what is no list');
    for (const item of items) list.push(item);
  }

  #setItems(items: readonly unknown[]): void {
    const target = this.#openContainer();
    if (items.length % 2 !== 0) throw new ProtocolError('Pickle has a dict key without a value');
    if (target instanceof PythonObject) setMapItems(this.#entriesOf(target), items);
    else if (target instanceof Map) setMapItems(target, items);
    else if (!isDict(target)) throw new ProtocolError('Pickle sets an item of what is no dict');
    else if (!setDictItems(target, items)) this.#becomeMap(target, items);
  }

  #entriesOf(object: PythonObject): Map<unknown, unknown> {
    if (object.entries === undefined) this.#spend(dictCost);
    object.entries ??= new Map();
    return object.entries;
  }

  /** The first key that is no text turns the dict into a Map. */
  #becomeMap(dict: object, items: readonly unknown[]): void {
    const map = new Map<unknown, unknown>(Object.entries(dict));
    setMapItems(map, items);
    this.#stack.replaceTop(map);
    this.#memo?.replace(dict, map);
  }

  #setState(state: unknown): void {
    const target = this.#openContainer();
    if (!(target instanceof PythonException || target instanceof PythonObject))
      throw new ProtocolError('Pickle gives a state to what is no exception');
    Object.assign(target, { state });
  }

  #memoIndex(): number {
    const index = parseLong(this.#reader.asciiLine());
    if (typeof index !== 'number') throw new ProtocolError('Pickle has a memo index that is too large');
    return index;
  }

  #put(index: number): void {
    this.#spend(1);
    this.#memo ??= new PickleMemo();
    this.#memo.put(index, this.#stack.top);
  }

  #get(index: number): void {
    this.#memo ??= new PickleMemo();
    const value = this.#memo.get(index);
    if (value instanceof PythonGlobal) this.#functions++;
    // Its containers are walked at the end, too, because the stack holds more than one now.
    const { count, length } = measureTree(value, { count: this.#budget, length: this.#repetition });
    this.#spend(count);
    this.#repetition -= length;
    this.#containers += maxDepth;
    this.#push(value);
  }
}

/** Whether all keys are text; if not, some items may be set. */
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
