import type { ClientName } from './clients/all.js';
import type { AppEvent, Moment, WitnessEvent } from './messages.js';

/**
 * What a client does when its path is cut, or its server stopped: nothing; wait for a reply that takes long; call right
 * afterwards; or call when the agent's ping has gone out, too.
 */
export type State = 'idle' | 'waiting' | 'in flight' | 'behind the ping';

/** One client of the application, and what has become of it since its path was cut. */
export class Subject {
  readonly id: number;
  readonly name: ClientName;
  readonly state: State;
  readonly host: string;
  #cutMs = Number.POSITIVE_INFINITY;
  /** About when its path was cut, or when it made its call just after that. */
  #began: Moment | undefined;
  #died: (Moment & { readonly message: string }) | undefined;
  #heard: (Moment & { readonly by: string }) | undefined;

  constructor(id: number, name: ClientName, state: State, host: string) {
    this.id = id;
    this.name = name;
    this.state = state;
    this.host = host;
  }

  /** Its path is cut now. */
  begin(cutMs: number): void {
    this.#cutMs = cutMs;
  }

  note(event: AppEvent | WitnessEvent): void {
    if (!('atMs' in event) || event.atMs < this.#cutMs) return;
    if (event.type === 'marked' || event.type === 'called') this.#began ??= event;
    if (event.type === 'died') this.#died ??= event;
    if (event.type === 'lost') this.#heard ??= event;
    if (event.type === 'settled' && event.error !== undefined) this.#heard ??= { ...event, by: event.error };
  }

  get isFound(): boolean {
    return this.#died !== undefined;
  }

  get isHeard(): boolean {
    return this.#heard !== undefined;
  }

  /** What it heard. */
  get heardBy(): string | undefined {
    return this.#heard?.by;
  }

  /** What the agent said of it. */
  get message(): string | undefined {
    return this.#died?.message;
  }

  /** From the cut, or the call right after it, to the verdict, in milliseconds. */
  get foundMs(): number | undefined {
    return this.#since(this.#died);
  }

  /** Of that, for how long the application's main loop did not turn. */
  get stalledMs(): number {
    return (this.#died?.stalledMs ?? 0) - (this.#began?.stalledMs ?? this.#died?.stalledMs ?? 0);
  }

  /** The same until the caller heard of it: its call failed, or the client reported a lost connection. */
  get heardMs(): number | undefined {
    return this.#since(this.#heard);
  }

  #since(moment: Moment | undefined): number | undefined {
    const fromMs = this.state === 'in flight' ? (this.#began?.atMs ?? this.#cutMs) : this.#cutMs;
    return moment && moment.atMs - fromMs;
  }
}
