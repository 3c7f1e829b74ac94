import { ProtocolError } from '../model/errors.js';
import { objectCost } from '../pickle/limits.js';
import { hexOf, PickleMachine } from '../pickle/machine.js';
import { parseLong } from '../pickle/number.js';
import { recordOp as op } from '../pickle/opcode.js';
import { readScalar } from '../pickle/scalar.js';
import { PickleStack } from '../pickle/stack.js';
import { decodeText, latin1 } from '../pickle/text.js';
import { PythonGlobal } from '../python/global.js';
import { PythonObject } from '../python/object.js';
import type { PersistentReference } from '../python/persistent-reference.js';
import { buildValue, isBuilt } from './built-values.js';
import { Budget, type CallContext } from './call.js';
import { addItems, appendItems, setItems, setState } from './fill.js';
import { parseReference } from './parse-reference.js';
import { callValue, makeInstance, newValue } from './python-calls.js';
import { Python2Strings } from './python2-strings.js';
import type { RecordOptions } from './record-options.js';
import { TextReader } from './text-reader.js';

/**
 * The pickle machine of records: reads the pickles of a record, one after the other.
 *
 * In addition to the types in messages it reads sets, persistent references, old-style instances and Python 2's strings. The
 * memo returns the same object again, so nothing is expanded, and cycles are possible. `decodeRecord` adds the position to
 * an error.
 */
export class RecordUnpickler extends PickleMachine {
  /** All references so far, in the order of the record. */
  readonly references: PersistentReference[] = [];
  readonly strings: Python2Strings;
  readonly #wantsClasses: boolean;
  readonly #recordBytes: number;
  readonly #budget: Budget;
  readonly #context: CallContext;
  readonly #text: TextReader;
  /** One for both pickles: the state may refer to what was memoized with the class. */
  readonly #memo = new Map<number, unknown>();
  /** Where the memo has objects that their state turns into other values: pickle memoizes an object before its state. */
  readonly #unbuilt = new WeakMap<object, number>();

  /** @param wantsClasses whether to read the classes of references; if not, they may be anything */
  constructor(record: Uint8Array, options: Required<RecordOptions>, wantsClasses = true) {
    super(record);
    this.#wantsClasses = wantsClasses;
    this.#recordBytes = record.length;
    this.#budget = new Budget(options.maxValues, record.length);
    this.strings = new Python2Strings(options.python2Text);
    this.#context = { budget: this.#budget, strings: this.strings };
    this.#text = new TextReader(record, this.reader, this.strings);
  }

  get offset(): number {
    return this.#recordBytes - this.reader.remaining;
  }

  /** The value of the next pickle. */
  load(): unknown {
    this.stack = new PickleStack();
    return this.run();
  }

  protected readScalar(opcode: number): unknown {
    return this.#text.read(opcode) ?? readScalar(this.reader, opcode);
  }

  protected pushScalar(value: unknown): void {
    this.#push(value);
  }

  protected pushSequence(items: unknown[]): void {
    this.#push(items);
  }

  protected pushDict(): void {
    this.#pushObject(new Map());
  }

  protected pushGlobal(module: string, name: string): void {
    this.#pushObject(new PythonGlobal(module, name));
  }

  protected pushCall(callee: unknown, args: unknown, isNew: boolean): void {
    this.#pushObject(isNew ? newValue(callee, args) : callValue(callee, args, this.#context));
  }

  protected appendItems(items: readonly unknown[]): void {
    appendItems(this.stack, items);
  }

  protected setItems(items: readonly unknown[]): void {
    setItems(this.stack, items);
  }

  protected setState(state: unknown): void {
    const { stack, strings } = this;
    setState(stack, state);
    const object = stack.top;
    const value = object instanceof PythonObject ? buildValue(object, strings) : undefined;
    if (value === undefined) return;
    stack.replaceTop(value);
    const index = this.#unbuilt.get(object as object);
    if (index !== undefined) this.#memo.set(index, value);
  }

  /** In UTF-8, as Python 3 allows names beyond ASCII. */
  protected readName(): string {
    const line = this.reader.line();
    return decodeText(line, 0, line.length);
  }

  protected readMemoIndex(): number {
    return Number(parseLong(latin1(this.reader.line())));
  }

  protected get memoSize(): number {
    return this.#memo.size;
  }

  protected put(index: number): void {
    this.spend(1);
    const value = this.stack.top;
    this.#memo.set(index, value);
    if (value instanceof PythonObject && isBuilt(value)) this.#unbuilt.set(value, index);
  }

  protected get(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined)
      throw new ProtocolError(`Pickle fetches memo entry ${index}, which it never set`);
    this.#push(value);
  }

  protected spend(values: number): void {
    this.#budget.spend(values);
  }

  protected runOther(opcode: number): void {
    const { reader, stack } = this;
    switch (opcode) {
      case op.emptySet:
        this.#pushObject(new Set());
        break;
      case op.addItems:
        addItems(stack, stack.popToMark());
        break;
      case op.frozenSet:
        this.#pushObject(new Set(stack.popToMark()));
        break;
      // Pickle drops what it has written if a tuple turns out to contain itself.
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
      case op.newObjEx: {
        const [cls, args, kwargs] = stack.popMany(3);
        this.#pushObject(makeInstance(cls, args, kwargs));
        break;
      }
      // The old-style classes of Python 2.
      case op.inst: {
        const cls = new PythonGlobal(this.readName(), this.readName());
        this.#pushObject(makeInstance(cls, stack.popToMark()));
        break;
      }
      case op.obj: {
        const [cls, ...args] = stack.popToMark();
        this.#pushObject(makeInstance(cls, args));
        break;
      }
      case op.ext1:
      case op.ext2:
      case op.ext4:
        throw new ProtocolError(
          'Record names a class by an extension registry code, which only its writer can resolve',
        );
      default:
        throw new ProtocolError(`Unexpected pickle opcode ${hexOf(opcode)} in a record`);
    }
  }

  #push(value: unknown): void {
    this.spend(1);
    this.stack.push(value);
  }

  #pushObject(value: unknown): void {
    this.spend(objectCost);
    this.stack.push(value);
  }

  #pushReference(id: unknown): void {
    const reference = parseReference(id, this.strings, this.#wantsClasses);
    this.references.push(reference);
    this.#pushObject(reference);
  }
}
