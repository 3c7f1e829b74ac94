import {
  PersistentReference,
  PythonComplex,
  PythonDate,
  PythonDateTime,
  PythonDecimal,
  PythonGlobal,
  PythonObject,
  PythonTime,
  PythonTimeDelta,
  PythonTimeZone,
  PythonUuid,
  type RecordContent,
} from '#src/records/index.js';

/** Describes values as the `Describer` of `record_zoo.py` describes the original objects. */
export class Describer {
  readonly #numbers = new Map<object, number>();

  describe(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        return { number: number(value) };
      case 'bigint':
        return { number: String(value) };
      default:
        return value === null ? null : this.#describeObject(value as object);
    }
  }

  list(values: readonly unknown[]): unknown[] {
    return values.map((value) => this.describe(value));
  }

  entries(map: ReadonlyMap<unknown, unknown>): unknown[] {
    return [...map].map((entry) => this.list(entry));
  }

  content(content: RecordContent): unknown {
    switch (content.kind) {
      case 'mapping':
        return { mapping: this.entries(content.entries) };
      case 'bucket':
        return { bucket: this.entries(content.entries), next: this.describe(content.next ?? null) };
      case 'list':
        return { list: this.list(content.items) };
      case 'set':
        return { set: this.list(content.keys), next: this.describe(content.next ?? null) };
      case 'tree': {
        const { children, keys } = content;
        const nodes = children.flatMap((child, index) => (index === 0 ? [child] : [keys[index - 1], child]));
        return { tree: this.list(nodes), first: this.describe(content.firstBucket) };
      }
    }
  }

  #describeObject(value: object): unknown {
    if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('hex') };
    if (value instanceof Set) {
      return {
        set: this.list([...value])
          .map(sortedJson)
          .sort(),
      };
    }
    if (value instanceof PersistentReference) return this.#reference(value);
    if (value instanceof PythonGlobal) return { global: String(value) };
    if (value instanceof PythonComplex) return { complex: [number(value.real), number(value.imaginary)] };
    if (value instanceof PythonDecimal) return { decimal: String(value) };
    if (value instanceof PythonUuid) return { uuid: String(value) };
    if (value instanceof PythonDate) return { date: String(value) };
    if (value instanceof PythonTime) return { time: String(value) };
    if (value instanceof PythonDateTime) {
      const moment = value.toDate();
      return { datetime: String(value), ...(moment && { ms: moment.getTime() }) };
    }
    if (value instanceof PythonTimeDelta)
      return { timedelta: [value.days, value.seconds, value.microseconds] };
    if (value instanceof PythonTimeZone) return { timezone: String(value), name: value.name ?? null };
    if (Array.isArray(value) && value.length === 0) return { list: [] };
    const again = this.#numbers.get(value);
    if (again !== undefined) return { again };
    this.#numbers.set(value, this.#numbers.size);
    if (Array.isArray(value)) return { list: this.list(value) };
    if (value instanceof Map) return { dict: this.entries(value) };
    if (value instanceof PythonObject) return this.#object(value);
    throw new Error(`The decoder made something of its own: ${value.constructor?.name}`);
  }

  #object({ class: cls, args, kwargs, state, items, entries }: PythonObject): unknown {
    return {
      class: String(cls),
      args: this.list(args),
      ...(kwargs && { kwargs: this.describe(kwargs) }),
      ...(state !== undefined && { state: this.describe(state) }),
      ...(items && { items: this.list(items) }),
      ...(entries && { entries: this.entries(entries) }),
    };
  }

  #reference({ oid, class: cls, database, weak }: PersistentReference): unknown {
    const reference = Buffer.from(oid).toString('hex');
    return { reference, class: cls === undefined ? null : String(cls), database: database ?? null, weak };
  }
}

function number(value: number): string {
  if (Object.is(value, -0)) return '-0';
  if (Number.isSafeInteger(value)) return String(value);
  if (Number.isNaN(value)) return 'nan';
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes.toString('hex');
}

/** As `json.dumps` writes it with `sort_keys` and without spaces. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_, inner) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort())
      : inner,
  );
}
