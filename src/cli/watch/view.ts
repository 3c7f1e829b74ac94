/** Something that happened, for people (`text`) and for machines (`event`, `fields`). */
export interface Entry {
  readonly time: Date;
  readonly event: string;
  /** The storage it happened to; `undefined` when it concerns all of them. */
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
  /** It happens all the time, as an answered ping. */
  | 'routine'
  /** People have been told in other words, or often enough: one more attempt that failed in the same way. */
  | 'detail';

export type Tell = (entry: Entry) => void;

/** What shows what happens. */
export interface View {
  tell(entry: Entry): void;
  /** The last thing that is told; the output is left as it was found. */
  end(summary: Entry): void;
}
