import { inspect } from 'node:util';
import type { Value } from '#src/zeo/encoding/values.js';
import { tidAt } from '#src/zeo/server/index.js';
import { ServerError } from '#src/zodb/pos-exception.js';
import { oid, record } from '../../zeo/server/records.js';
import type { WireClient } from '../../zeo/server/wire-client.js';

/** Clients may demand transaction ids, so that both servers give the same. */
const start = Date.UTC(2020, 1, 29, 23, 59, 30);
export const timeOf = (number: number) => start + number * 1000;
export const tid = (number: number) => tidAt(timeOf(number));
export const undoId = (number: number) => Buffer.from(Buffer.from(tid(number)).toString('base64'));
export const zero = new Uint8Array(8);

export type Call = readonly [method: string, ...args: Value[]];

/** What a call was answered with, in a form in which the answers of the two servers can be compared. */
type Line = { readonly asked: string; readonly answer: unknown };

/** The calls of a client and their answers, one after the other. */
export class Transcript {
  readonly lines: Line[] = [];
  readonly #client: WireClient;

  constructor(client: WireClient) {
    this.#client = client;
  }

  /** Notes the answer, or the error, and goes on; after the end of the connection there are no more answers. */
  async ask(...[method, ...args]: Call): Promise<Value> {
    if (this.#client.socket.closed) return null;
    const asked = `${method}(${args.map((arg) => (arg instanceof Uint8Array ? hex(arg) : inspect(arg))).join(', ')})`;
    try {
      const answer = await this.#client.call(method, ...args);
      this.lines.push({
        asked,
        answer: comparable(method === 'getInvalidations' ? inOrder(answer) : answer),
      });
      return answer;
    } catch (error) {
      this.lines.push({ asked, answer: describeError(error) });
      return null;
    }
  }

  /** A whole transaction with a number for its id; its operations are one-way calls that leave that id out. */
  async commit(number: number, ...operations: Call[]): Promise<void> {
    const meta = [Buffer.from(`user ${number % 2}`), Buffer.from(`note ${number}`), { number }];
    this.#client.oneWay('tpc_begin', number, ...meta, tid(number), ' ');
    for (const [method, ...args] of operations) this.#client.oneWay(method, ...args, number);
    await this.ask('vote', number);
    if (this.lines.at(-1)?.answer instanceof Failure) await this.ask('tpc_abort', number);
    else await this.ask('tpc_finish', number);
  }

  async iterate(from: Uint8Array | null, to: Uint8Array | null): Promise<void> {
    const id = await this.ask('iterator_start', from, to);
    for (;;) {
      const transaction = (await this.ask('iterator_next', id)) as [Uint8Array] | null;
      if (transaction === null) return;
      const records = await this.ask('iterator_record_start', id, transaction[0]);
      while ((await this.ask('iterator_record_next', records)) !== null);
    }
  }

  async currentRecords(): Promise<void> {
    let next: Value = null;
    do {
      const found = (await this.ask('record_iternext', next)) as readonly Value[] | null;
      next = found?.[3] ?? null;
    } while (next !== null);
  }
}

export const store = (number: number, serial: Value, text: string, ...references: Uint8Array[]): Call => [
  'storea',
  oid(number),
  serial,
  record(text, ...references),
];

export const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** An error, or the end of the connection. */
export class Failure {
  readonly className: string;
  readonly details: unknown;

  constructor(className: string, details: unknown) {
    this.className = className;
    this.details = details;
  }
}

/** The arguments of Python's own exceptions are Python's words, which differ from release to release. */
function describeError(error: unknown): Failure {
  if (!(error instanceof ServerError)) return new Failure((error as Error).message, null);
  const { className, args } = error;
  if (className.endsWith('MultipleUndoErrors')) {
    // Pickle carries the errors in it as instances, and msgpack as tuples.
    const { _errs } = args as { _errs: readonly (readonly [Uint8Array, unknown])[] };
    return new Failure(className, Array.from(_errs, ([id]) => hex(id)).sort());
  }
  const saysWhich = /^ZODB\.|KeyError$|AssertionError$/.test(className);
  return new Failure(className, saysWhich ? comparable(args as Value) : null);
}

/** The objects that changed are in no particular order. */
function inOrder(invalidations: Value): Value {
  if (!Array.isArray(invalidations)) return invalidations;
  const [last, oids] = invalidations as unknown as [Uint8Array, readonly Uint8Array[]];
  return [last, oids.toSorted(Buffer.compare)];
}

/** Sizes in a file are not sizes in memory; names, times and counts are those of a server with all its storages. */
const incomparable = new Set([
  ...['size', 'name', 'start', 'connections', 'active_txns'],
  ...['loads', 'stores', 'commits', 'aborts', 'conflicts'],
]);

function comparable(value: Value): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (value instanceof Map) return new Map([...value].filter(([key]) => !incomparable.has(key)));
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  const known = Object.entries(value).filter(([key]) => !incomparable.has(key));
  return Object.fromEntries(known.map(([key, item]) => [key, comparable(item)]));
}
