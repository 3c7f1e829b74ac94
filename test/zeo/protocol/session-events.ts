import type { ProtocolError } from '#src/model/errors.js';

interface Session<Event> {
  receive(chunk: Uint8Array, handle: (event: Event) => void): void;
}

/** The result of a session: its events as plain data, and the code of the fault that broke it. */
export interface Outcome {
  readonly events: readonly unknown[];
  readonly fault: string | undefined;
}

/** Feeds chunks until the session breaks. Lazy values are read at once. */
export function outcomeOf(
  session: Session<{ readonly type: string }>,
  chunks: readonly Uint8Array[],
): Outcome {
  const events: unknown[] = [];
  try {
    for (const chunk of chunks) {
      session.receive(chunk, (event) => events.push(plain(event)));
    }
  } catch (error) {
    return { events, fault: (error as ProtocolError).code ?? String(error) };
  }
  return { events, fault: undefined };
}

/** The events of one chunk, as plain data. */
export function eventsOf<Event extends { readonly type: string }>(
  session: Session<Event>,
  chunk: Uint8Array,
): unknown[] {
  return received(session, chunk).map(plain);
}

/** The events of one chunk, unchanged. */
export function received<Event extends { readonly type: string }>(
  session: Session<Event>,
  chunk: Uint8Array,
): Event[] {
  const events: Event[] = [];
  session.receive(chunk, (event) => events.push(event));
  return events;
}

/** As plain data for comparison: a reply's value may be a getter, and an error has a stack. */
export function plain(event: object): unknown {
  if ('value' in event && 'id' in event) return { type: 'reply', id: event.id, value: event.value };
  if ('error' in event && 'id' in event) {
    const { code, className, args } = event.error as { code: string; className?: string; args: unknown };
    return className === undefined
      ? { type: 'oversized', id: event.id, code }
      : { type: 'error', id: event.id, className, args };
  }
  return event;
}
