import { ProtocolError } from '../model/errors.js';
import { op } from './opcode.js';
import { PickleReader } from './reader.js';
import { PickleStack } from './stack.js';

/** The newest pickle protocol (`pickle.py: HIGHEST_PROTOCOL`). */
const newestProtocol = 5;

/**
 * The pickle machine: runs the opcodes that build data. Its two subclasses, for messages and for records, decide what
 * becomes of dicts, globals, calls and the memo.
 *
 * Rules:
 * - It does not recurse and executes nothing: no class is looked up, no callable is called.
 * - Every length is checked against the remaining bytes before memory is allocated, and every value is charged for before
 *   it is created.
 * - It throws only ProtocolErrors.
 */
export abstract class PickleMachine {
  protected readonly reader: PickleReader;
  protected stack = new PickleStack();

  /** @param bytes one or several consecutive pickles */
  constructor(bytes: Uint8Array) {
    this.reader = new PickleReader(bytes);
  }

  /** Runs to the next `STOP` and returns the value left on the stack. */
  protected run(): unknown {
    const { reader } = this;
    for (let opcode = reader.u8(); opcode !== op.stop; opcode = reader.u8()) {
      const scalar = this.readScalar(opcode);
      if (scalar !== undefined) this.pushScalar(scalar);
      else this.#build(opcode);
    }
    return this.stack.result;
  }

  /** The number, text, bytes, boolean or `null` that an opcode pushes; `undefined` for an opcode of another kind. */
  protected abstract readScalar(opcode: number): unknown;
  protected abstract pushScalar(value: unknown): void;
  /** A tuple or a list. */
  protected abstract pushSequence(items: unknown[]): void;
  protected abstract pushDict(): void;
  /** The class or function of that name. */
  protected abstract pushGlobal(module: string, name: string): void;
  /** What `callee(*args)`, or `callee.__new__(callee, *args)`, would return. */
  protected abstract pushCall(callee: unknown, args: unknown, isNew: boolean): void;
  /** Extends the list on the top of the stack. */
  protected abstract appendItems(items: readonly unknown[]): void;
  /** Updates the dict on the top of the stack. @param items keys and values in turn */
  protected abstract setItems(items: readonly unknown[]): void;
  /** Gives the object on the top of the stack its state, as `__setstate__` would. */
  protected abstract setState(state: unknown): void;
  /** Half of a `GLOBAL`: a module or a name, up to the end of the line. */
  protected abstract readName(): string;
  /** The argument of `PUT` or `GET`, up to the end of the line. */
  protected abstract readMemoIndex(): number;
  protected abstract get memoSize(): number;
  /** Stores the value on the top of the stack in the memo. */
  protected abstract put(index: number): void;
  /** Pushes a value from the memo. */
  protected abstract get(index: number): void;
  /** Runs an opcode that only this subclass knows; throws for any other. */
  protected abstract runOther(opcode: number): void;
  protected abstract spend(values: number): void;

  #build(opcode: number): void {
    const { stack } = this;
    switch (opcode) {
      case op.mark:
        this.spend(1);
        stack.mark();
        break;
      case op.tuple:
      case op.list:
        this.pushSequence(stack.popToMark());
        break;
      case op.tuple1:
      case op.tuple2:
      case op.tuple3:
        this.pushSequence(stack.popMany(opcode - op.tuple1 + 1));
        break;
      case op.emptyTuple:
      case op.emptyList:
        this.pushSequence([]);
        break;
      case op.emptyDict:
        this.pushDict();
        break;
      case op.dict: {
        const items = stack.popToMark();
        this.pushDict();
        this.setItems(items);
        break;
      }
      case op.setItem:
        this.setItems(stack.popMany(2));
        break;
      case op.setItems:
        this.setItems(stack.popToMark());
        break;
      case op.append:
        this.appendItems(stack.popMany(1));
        break;
      case op.appends:
        this.appendItems(stack.popToMark());
        break;
      default:
        this.#refer(opcode);
    }
  }

  #refer(opcode: number): void {
    const { reader } = this;
    switch (opcode) {
      case op.binPut:
        this.put(reader.u8());
        break;
      case op.longBinPut:
        this.put(reader.u32());
        break;
      case op.put:
        this.put(this.readMemoIndex());
        break;
      case op.memoize:
        this.put(this.memoSize);
        break;
      case op.binGet:
        this.get(reader.u8());
        break;
      case op.longBinGet:
        this.get(reader.u32());
        break;
      case op.get:
        this.get(this.readMemoIndex());
        break;
      default:
        this.#instantiate(opcode);
    }
  }

  #instantiate(opcode: number): void {
    const { reader, stack } = this;
    switch (opcode) {
      case op.global:
        this.pushGlobal(this.readName(), this.readName());
        break;
      case op.stackGlobal: {
        const [module, name] = stack.popMany(2);
        if (typeof module !== 'string' || typeof name !== 'string')
          throw new ProtocolError('Pickle names a global by something other than text');
        this.pushGlobal(module, name);
        break;
      }
      case op.reduce:
      case op.newObj: {
        const [callee, args] = stack.popMany(2);
        this.pushCall(callee, args, opcode === op.newObj);
        break;
      }
      case op.build:
        this.setState(stack.pop());
        break;
      case op.proto: {
        const protocol = reader.u8();
        if (protocol > newestProtocol)
          throw new ProtocolError(`Pickle protocol ${protocol}, the newest supported is ${newestProtocol}`);
        break;
      }
      case op.frame:
        if (reader.length8() > reader.remaining)
          throw new ProtocolError('Pickle frame is longer than the bytes that follow');
        break;
      default:
        this.runOther(opcode);
    }
  }
}

/** `0x8f`, for an error message. */
export function hexOf(opcode: number): string {
  return `0x${opcode.toString(16).padStart(2, '0')}`;
}
