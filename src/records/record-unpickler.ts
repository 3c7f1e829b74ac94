import { ProtocolError } from '../model/errors.js';
import { parseLong } from '../pickle/number.js';
import { recordOp as op } from '../pickle/opcode.js';
import { PickleReader } from '../pickle/reader.js';
import { readScalar } from '../pickle/scalar.js';
import { PickleStack } from '../pickle/stack.js';
import { decodeText, latin1 } from '../pickle/text.js';
import { PythonGlobal } from '../python/global.js';
import type { PersistentReference } from '../python/persistent-reference.js';
import type { CallContext } from './call.js';
import { Budget, objectCost } from './call.js';
import { addItems, appendItems, setItems, setState } from './fill.js';
import { parseReference } from './parse-reference.js';
import { callValue, makeInstance } from './python-calls.js';
import { Python2Strings } from './python2-strings.js';
import type { RecordOptions } from './record-options.js';
import { TextReader } from './text-reader.js';

/** Newest pickle protocol; ZODB writes 3 (`ZODB/_compat.py`), and wrote 1 before. */
const newestProtocol = 5;

/**
 * The pickle machine of records: the pickles of a record, one after the other.
 *
 * Not the machine of the protocol's messages, though made of the same parts: that one has few types and no circles, refuses
 * what no ZEO peer sends, and is fast. Rules:
 * - It has no recursion; every length is checked against the bytes that are there, and no class is looked up.
 * - What the memo gives out is the same object again, so nothing is expanded. Circles are possible.
 * - A fault is a ProtocolError, which is what the parts throw; `decodeRecord` says where it was.
 */
export class RecordUnpickler {
  /** All references so far, in the order in which they stand in the record. */
  readonly references: PersistentReference[] = [];
  readonly strings: Python2Strings;
  readonly #record: Uint8Array;
  readonly #reader: PickleReader;
  readonly #budget: Budget;
  readonly #context: CallContext;
  readonly #text: TextReader;
  /** One for both pickles: the state may refer to what the class has put aside. */
  readonly #memo = new Map<number, unknown>();
  #stack = new PickleStack();

  constructor(record: Uint8Array, options: Required<RecordOptions>) {
    this.#record = record;
    this.#reader = new PickleReader(record);
    this.#budget = new Budget(options.maxValues, record.length);
    this.strings = new Python2Strings(options.python2Text);
    this.#context = { budget: this.#budget, strings: this.strings };
    this.#text = new TextReader(record, this.#reader, this.strings);
  }

  get offset(): number {
    return this.#record.length - this.#reader.remaining;
  }

  /** The value of the next pickle. */
  load(): unknown {
    const reader = this.#reader;
    this.#stack = new PickleStack();
    for (let opcode = reader.u8(); opcode !== op.stop; opcode = reader.u8()) {
      const scalar = this.#text.read(opcode) ?? readScalar(reader, opcode);
      if (scalar !== undefined) this.#push(scalar);
      else this.#build(opcode);
    }
    return this.#stack.result;
  }

  #build(opcode: number): void {
    const stack = this.#stack;
    switch (opcode) {
      case op.mark:
        this.#budget.spend(1);
        stack.mark();
        break;
      case op.tuple:
      case op.list:
        this.#push(stack.popToMark());
        break;
      case op.tuple1:
      case op.tuple2:
      case op.tuple3:
        this.#push(stack.popMany(opcode - op.tuple1 + 1));
        break;
      case op.emptyTuple:
      case op.emptyList:
        this.#push([]);
        break;
      case op.emptyDict:
        this.#pushObject(new Map());
        break;
      case op.dict: {
        const items = stack.popToMark();
        this.#pushObject(new Map());
        setItems(stack, items);
        break;
      }
      case op.setItem:
        setItems(stack, stack.popMany(2));
        break;
      case op.setItems:
        setItems(stack, stack.popToMark());
        break;
      case op.append:
        appendItems(stack, stack.popMany(1));
        break;
      case op.appends:
        appendItems(stack, stack.popToMark());
        break;
      case op.emptySet:
        this.#pushObject(new Set());
        break;
      case op.addItems:
        addItems(stack, stack.popToMark());
        break;
      case op.frozenSet:
        this.#pushObject(new Set(stack.popToMark()));
        break;
      default:
        this.#refer(opcode);
    }
  }

  #refer(opcode: number): void {
    const reader = this.#reader;
    const stack = this.#stack;
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
        this.#put(this.#memo.size);
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
      // Pickle drops what it has written when a tuple turns out to hold itself.
      case op.pop:
        stack.discard();
        break;
      case op.popMark:
        stack.popToMark();
        break;
      case op.dup:
        this.#push(stack.top);
        break;
      case op.persId:
        this.#pushReference(reader.line());
        break;
      case op.binPersId:
        this.#pushReference(stack.pop());
        break;
      default:
        this.#instantiate(opcode);
    }
  }

  #instantiate(opcode: number): void {
    const reader = this.#reader;
    const stack = this.#stack;
    switch (opcode) {
      case op.global:
        this.#pushGlobal(this.#name(), this.#name());
        break;
      case op.stackGlobal: {
        const [module, name] = stack.popMany(2);
        this.#pushGlobal(module, name);
        break;
      }
      case op.reduce: {
        const [callee, args] = stack.popMany(2);
        this.#pushObject(callValue(callee, args, this.#context));
        break;
      }
      case op.newObj: {
        const [cls, args] = stack.popMany(2);
        this.#pushObject(makeInstance(cls, args));
        break;
      }
      case op.newObjEx: {
        const [cls, args, kwargs] = stack.popMany(3);
        this.#pushObject(makeInstance(cls, args, kwargs));
        break;
      }
      // The old-style classes of Python 2.
      case op.inst: {
        const cls = new PythonGlobal(this.#name(), this.#name());
        this.#pushObject(makeInstance(cls, stack.popToMark()));
        break;
      }
      case op.obj: {
        const [cls, ...args] = stack.popToMark();
        this.#pushObject(makeInstance(cls, args));
        break;
      }
      case op.build:
        setState(stack, stack.pop());
        break;
      case op.proto:
        if (reader.u8() > newestProtocol) throw new ProtocolError('Pickle protocol is newer than 5');
        break;
      case op.frame:
        if (reader.length8() > reader.remaining)
          throw new ProtocolError('Pickle frame is longer than the record');
        break;
      case op.ext1:
      case op.ext2:
      case op.ext4:
        throw new ProtocolError(
          'Record names a class by a code of an extension registry, which it does not hold',
        );
      default:
        throw new ProtocolError(
          `Pickle opcode 0x${opcode.toString(16).padStart(2, '0')} is none that ZODB writes`,
        );
    }
  }

  #push(value: unknown): void {
    this.#budget.spend(1);
    this.#stack.push(value);
  }

  #pushObject(value: unknown): void {
    this.#budget.spend(objectCost);
    this.#stack.push(value);
  }

  /** Half of a `GLOBAL`. UTF-8, as Python 3 allows names beyond ASCII. */
  #name(): string {
    const line = this.#reader.line();
    return decodeText(line, 0, line.length);
  }

  #pushGlobal(module: unknown, name: unknown): void {
    if (typeof module !== 'string' || typeof name !== 'string') {
      throw new ProtocolError('Pickle has a global whose name is no text');
    }
    this.#pushObject(new PythonGlobal(module, name));
  }

  #pushReference(id: unknown): void {
    const reference = parseReference(id, this.strings);
    this.references.push(reference);
    this.#pushObject(reference);
  }

  #memoIndex(): number {
    return Number(parseLong(latin1(this.#reader.line())));
  }

  #put(index: number): void {
    this.#budget.spend(1);
    this.#memo.set(index, this.#stack.top);
  }

  #get(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) throw new ProtocolError(`Pickle fetches ${index}, which it has not put aside`);
    this.#push(value);
  }
}
