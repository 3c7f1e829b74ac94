import { printableJson } from '../../model/printable.js';
import { formatDateTime } from '../io/format.js';
import type { Output } from '../io/output.js';
import type { Paint } from '../io/paint.js';
import { padEnd } from '../io/terminal-text.js';
import type { Entry, View } from './view.js';

/** One line per entry: time, storage, what happened. For files, pipes and the journal. */
export class TextLines implements View {
  readonly #output: Output;
  readonly #paint: Paint;
  readonly #nameWidth: number;

  constructor(output: Output, paint: Paint, nameWidth: number) {
    this.#output = output;
    this.#paint = paint;
    this.#nameWidth = nameWidth;
  }

  show({ time, name, text, kind }: Entry): void {
    if (kind === 'detail') return;
    const line = `${formatDateTime(time)}  ${padEnd(name ?? '-', this.#nameWidth)}  ${text}`;
    this.#output.write(`${kind === 'bad' || kind === 'good' ? this.#paint(kind, line) : line}\n`);
  }

  end(summary: Entry): void {
    this.#output.write(`${summary.text}\n`);
  }
}

/** One JSON object per line (NDJSON): `time`, `event`, `name` if it concerns one storage, and the event's fields. */
export class JsonLines implements View {
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  show({ time, event, name, fields }: Entry): void {
    const shown = 'error' in fields ? { ...fields, error: describe(fields.error) } : fields;
    this.#output.write(`${toJson({ time, event, name, ...shown })}\n`);
  }

  end(summary: Entry): void {
    this.show(summary);
  }
}

function toJson(value: object): string {
  return printableJson(
    JSON.stringify(value, (_key, item) =>
      typeof item === 'number' && !Number.isInteger(item) ? Number(item.toFixed(3)) : item,
    ),
  );
}

/** Without the stack trace, which belongs in a log. */
function describe(error: unknown): object | undefined {
  if (error === undefined) return undefined;
  if (!(error instanceof Error)) return { message: String(error) };
  return { code: 'code' in error ? error.code : undefined, message: error.message };
}
