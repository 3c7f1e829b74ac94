/** An event, for people (`text`) and for machines (`event`, `fields`). */
export interface Entry {
  readonly time: Date;
  readonly event: string;
  /** The storage that it concerns; `undefined` if it concerns all of them. */
  readonly name: string | undefined;
  readonly kind: EntryKind;
  /** One printable line. */
  readonly text: string;
  /** Durations in milliseconds, errors as they are. */
  readonly fields: Readonly<Record<string, unknown>>;
}

export type EntryKind =
  | 'good'
  | 'bad'
  | 'note'
  /** Happens all the time, such as an answered ping. */
  | 'routine'
  /** Adds nothing for people: reported in other words, or one more attempt that failed in the same way. */
  | 'detail';

export type Report = (entry: Entry) => void;

/** Shows what happens. */
export interface View {
  show(entry: Entry): void;
  /** Shows the last entry, and leaves the output as it was found. */
  end(summary: Entry): void;
}
