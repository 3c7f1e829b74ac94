import { inspect } from 'node:util';
import { isError } from '../model/errors.js';
import type { Verdict } from '../model/events.js';
import { hangTimeoutMs } from '../model/hang-timeout.js';
import { attempt, type KeepAliveTarget } from '../model/target.js';
import { type ConnectionReading, readingChannel } from '../observability/channels.js';
import { redactText } from '../observability/redaction.js';
import { addressOf, nameOf } from '../sockets/pattern.js';
import type { WatchedSocket } from '../sockets/socket-watcher.js';
import { type Cause, causeInWords } from '../tcp/diagnosis.js';
import type { SocketBounds } from '../threads/budgets.js';
import type { RoundTripChunk, RoundTripSummary } from './ping/round-trips.js';
import type { ConnectionState, TrackedTarget } from './ping/tracked-target.js';
import type { Settings } from './settings.js';

/** What `KeepAlive#status` answers: a snapshot, which can be written as JSON. */
export interface KeepAliveStatus {
  /** Whether the agent was started, and not stopped. */
  readonly running: boolean;
  /** Whether its worker thread is up. It is not for a moment after a start, and while a lost one is being replaced. */
  readonly workerRunning: boolean;
  /** `undefined`: no period is set, so the agent does not start. */
  readonly periodMs: number | undefined;
  readonly timeoutMs: number | undefined;
  /**
   * Within how many milliseconds, of time in which the main loop turned, a peer that stops answering is declared dead.
   * `undefined` while the agent does not run.
   */
  readonly detectionBoundMs: number | undefined;
  /**
   * The same for a server process that hangs while its host acknowledges, and whose target has a longer `hangTimeout`: that of
   * the most patient target, and never less than `detectionBoundMs`.
   */
  readonly hangBoundMs: number | undefined;
  /**
   * Within how many milliseconds the connection of a watched socket is found dead: after its last byte while it is idle, after
   * the first byte that is not acknowledged, and after the first one that cannot leave this host. `undefined` while no sockets
   * are watched.
   */
  readonly socketBounds: SocketBounds | undefined;
  /** The targets, and then the sockets that are watched. */
  readonly connections: readonly ConnectionStatus[];
}

export interface StatusOptions {
  /**
   * Whether to have the last round trips of each target. They are summarized when they are read, in some 5 µs a target: leave
   * them out of a status of thousands that is written as JSON. Default: `true`.
   */
  readonly roundTrips?: boolean | undefined;
}

/** What is known of one connection since the agent was started, or its target opened. */
export interface ConnectionStatus {
  readonly name: string;
  /** By its last ping. */
  readonly state: ConnectionState;
  /** Since when it has been in that state. */
  readonly since: Date;
  /** What its last ping came to; `undefined` before the first. */
  readonly verdict: Verdict | undefined;
  /** Whether the target says that it is connected, at this moment. */
  readonly ready: boolean;
  /** How many connections the target has had, if it knows. */
  readonly generation: number | undefined;
  /** Of the server that it is connected to. */
  readonly address: string | undefined;
  /**
   * How long its server may be silent after a ping that its host has acknowledged, in milliseconds; `undefined` for a watched
   * socket, which is not pinged.
   */
  readonly hangTimeoutMs: number | undefined;
  /** Pings sent, and those that failed. */
  readonly pings: number;
  readonly failures: number;
  /**
   * Of its last answered pings; `undefined` before the first, and if `StatusOptions` leave them out. A getter, which needs the
   * object itself, not a proxy of it; a copy has the value.
   */
  readonly roundTrips: RoundTripSummary | undefined;
  /** The last ping that failed, whether by an error or by silence. */
  readonly lastFailure: { readonly at: Date; readonly error: ErrorStatus } | undefined;
  readonly lastDeath: DeathStatus | undefined;
}

/** What a snapshot keeps of an error; the events have the error itself. */
export interface ErrorStatus {
  readonly name: string;
  /** `undefined` if it has none. */
  readonly code: string | undefined;
  /** Without credentials. */
  readonly message: string;
}

/** A connection that was destroyed because its peer was silent. */
export interface DeathStatus {
  readonly at: Date;
  readonly error: ErrorStatus;
  /** How long the peer was silent, in milliseconds in which this process listened. */
  readonly silentMs: number;
  /** From the last byte of the peer to the verdict; it did not die before that byte. */
  readonly timeToDetectMs: number;
  /** Why, by all that is known by now: how it came back may have shown more than the silence did. */
  readonly diagnosis: Cause;
  /** The diagnosis in words. */
  readonly explanation: string;
  /** When the target was connected again; `undefined` while it is not. */
  readonly backAt: Date | undefined;
}

/** The status of one connection. Does not throw: a getter that does counts as unknown. */
export function connectionStatus(
  tracked: TrackedTarget,
  { roundTrips = true }: StatusOptions = {},
): ConnectionStatus {
  return new Snapshot(tracked, roundTrips);
}

const readyOf = (target: KeepAliveTarget) => target.ready;
const generationOf = (target: KeepAliveTarget) => target.generation;
const addressOfTarget = (target: KeepAliveTarget) => target.address;

/**
 * The round trips are summarized when they are read, as summarizing those of thousands would pause the main loop. They are an own
 * property, which also a spread, `structuredClone` and `JSON.stringify` read. Each of thousands has to be made in the fastest way:
 * one getter for all, no literal that is copied, and no closures.
 */
class Snapshot implements ConnectionStatus {
  static readonly #lazyRoundTrips: PropertyDescriptor & ThisType<Snapshot> = {
    enumerable: true,
    configurable: true,
    get() {
      if (this.#roundTrips !== undefined) this.#summary = this.#roundTrips.summaryOf(this.#id);
      // A status may be kept, and the samples of sixteen targets are 4 KiB.
      this.#roundTrips = undefined;
      return this.#summary;
    },
  };

  readonly name: string;
  readonly state: ConnectionState;
  readonly since: Date;
  readonly verdict: Verdict | undefined;
  readonly ready: boolean;
  readonly generation: number | undefined;
  readonly address: string | undefined;
  readonly hangTimeoutMs: number;
  readonly pings: number;
  readonly failures: number;
  readonly lastFailure: ConnectionStatus['lastFailure'];
  readonly lastDeath: DeathStatus | undefined;
  declare readonly roundTrips: RoundTripSummary | undefined;
  readonly #id: number;
  #roundTrips: RoundTripChunk | undefined;
  #summary: RoundTripSummary | undefined;

  constructor(tracked: TrackedTarget, hasRoundTrips: boolean) {
    const { lastFailure, lastDeath, target } = tracked;
    this.name = tracked.name;
    this.state = tracked.state;
    this.since = tracked.stateSince;
    this.verdict = tracked.verdict;
    this.ready = attempt(readyOf, target) === true;
    this.generation = attempt(generationOf, target);
    this.address = attempt(addressOfTarget, target);
    this.hangTimeoutMs = tracked.hangTimeoutMs;
    this.pings = tracked.pings;
    this.failures = tracked.failures;
    this.lastFailure = lastFailure && { at: lastFailure.at, error: errorStatus(lastFailure.error) };
    this.lastDeath = lastDeath && {
      at: lastDeath.at,
      error: errorStatus(lastDeath.error),
      silentMs: lastDeath.silentMs,
      timeToDetectMs: lastDeath.timeToDetectMs,
      diagnosis: lastDeath.outage.cause,
      explanation: causeInWords[lastDeath.outage.cause],
      backAt: lastDeath.backAt,
    };
    this.#id = tracked.id;
    this.#roundTrips = hasRoundTrips ? tracked.roundTrips.snapshot(tracked.id) : undefined;
    if (hasRoundTrips) Object.defineProperty(this, 'roundTrips', Snapshot.#lazyRoundTrips);
    else this.roundTrips = undefined;
  }

  /** With the round trips, instead of the word that there is a getter. */
  [inspect.custom](): ConnectionStatus {
    return { ...this };
  }
}

/** Whether a connection can be used, as far as is known: it is there, and its last ping, if any, did not fail. */
export function isUp({ ready, state }: Pick<ConnectionStatus, 'ready' | 'state'>): boolean {
  return ready && state !== 'failed';
}

/** Answers those who ask for the states of these targets. Returns how to end that. */
export function answerReadings(targets: ReadonlyMap<number, TrackedTarget>): () => void {
  const answer = (message: unknown) => {
    const report = message as (reading: ConnectionReading) => void;
    for (const { name, state, target } of targets.values()) {
      const ready = attempt(readyOf, target) === true;
      report({ name, address: attempt(addressOfTarget, target), ready, isUp: isUp({ ready, state }) });
    }
  };
  readingChannel.subscribe(answer);
  return () => readingChannel.unsubscribe(answer);
}

/** The status of a socket that is watched: it is alive, or it would not be here. */
export function socketStatus({ destination, sinceMs, sequence }: WatchedSocket): ConnectionStatus {
  return {
    name: nameOf(destination),
    state: 'alive',
    since: new Date(sinceMs),
    verdict: undefined,
    ready: true,
    generation: sequence,
    address: addressOf(destination),
    hangTimeoutMs: undefined,
    pings: 0,
    failures: 0,
    roundTrips: undefined,
    lastFailure: undefined,
    lastDeath: undefined,
  };
}

/** Does not throw, whatever was thrown. */
function errorStatus(error: unknown): ErrorStatus {
  const text = (get: () => unknown) => redactText(attempt(() => String(get())) ?? '');
  if (!isError(error)) return { name: typeof error, code: undefined, message: text(() => error) };
  const hasCode = attempt(() => 'code' in error && error.code !== undefined) === true;
  return {
    name: text(() => error.name),
    code: hasCode ? text(() => (error as { code?: unknown }).code) : undefined,
    message: text(() => error.message),
  };
}

/** What the promised bound leaves for everything but period and timeout: lock, scheduling, one turn of the main loop. */
const boundMarginMs = 1000;

/** Within how long a peer that stops answering is declared dead. */
export function detectionBoundMs({ periodMs, timeoutMs, skipActive }: Settings): number {
  // A connection that was active just before it died is skipped once.
  return (skipActive ? 2 : 1) * periodMs + timeoutMs + boundMarginMs;
}

/** The same for a server process that hangs, by the most patient of the targets. */
export function hangBoundMs(settings: Settings, targets: Iterable<TrackedTarget>): number {
  let longestMs = hangTimeoutMs(undefined, settings);
  for (const tracked of targets) longestMs = Math.max(longestMs, tracked.hangTimeoutMs);
  return detectionBoundMs(settings) - settings.timeoutMs + longestMs;
}
