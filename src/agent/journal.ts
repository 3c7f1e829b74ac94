import type { EventEmitter } from 'node:events';
import type { Diagnosis } from '../diagnosis.js';
import type { KeepAliveError } from '../errors.js';
import type { KeepAliveLog } from '../observability/log.js';
import type { Stall } from '../rpc/contract.js';
import type { Member } from './member.js';
import { type Cause, causeInWords, type Outage } from './outage.js';
import type { PingOutcome } from './ping.js';

/** The facts that the agent tells, each in the past tense. Durations in milliseconds. */
export interface KeepAliveEvents {
  pingStarted: [{ name: string }];
  /** `roundTripMs` is `undefined` when other bytes than the answer proved the server alive. */
  pingSucceeded: [{ name: string; roundTripMs: number | undefined; evidence: 'answer' | 'bytes' }];
  /** The storage answered with an error, or lost its connection by itself. */
  pingFailed: [{ name: string; error: unknown }];
  /** The peer was silent: its connection has been destroyed. */
  storageDied: [{ name: string; error: KeepAliveError; silentMs: number; diagnosis: Diagnosis }];
  /** A ping was due and the storage was not connected. */
  storageDown: [{ name: string; downForMs: number; error: unknown }];
  /** A storage that was down, or dead, is connected again. */
  storageBack: [{ name: string; downForMs: number; cause: Cause }];
  /** The main loop, or the whole process, stood still while pings were out. */
  stalled: [Stall];
  /** The worker thread runs. */
  workerStarted: [];
  /** The worker thread ended by itself; it is replaced after `retryInMs`. */
  workerLost: [{ error: unknown; retryInMs: number }];
}

/** From this delay on a replacement of the worker is no quick one any more, and the log says so. */
const keepsEndingMs = 1000;

/**
 * Turns what happened into the lines of the log, whose words are the original's, and into events.
 *
 * A listener that throws is contained and logged: it must not end the pings.
 */
export class Journal {
  readonly #log: KeepAliveLog;
  readonly #events: EventEmitter<KeepAliveEvents>;

  constructor(log: KeepAliveLog, events: EventEmitter<KeepAliveEvents>) {
    this.#log = log;
    this.#events = events;
  }

  started(periodMs: number): void {
    this.#log.info({ periodMs }, `Keep alive thread started with period ${periodMs / 1000} s`);
  }

  notStarted(): void {
    this.#log.info({}, 'Keep alive thread not started: no period is set, or it is zero or negative');
  }

  stopped(): void {
    this.#log.info({}, 'Keep alive thread stopped');
  }

  warning(message: string): void {
    this.#log.warn({}, message);
  }

  sending({ name }: Member): void {
    this.#log.blather({ storage: name }, `Sending keep alive for ${name}`);
    this.#emit('pingStarted', { name });
  }

  ended(member: Member, outcome: PingOutcome): void {
    const { name } = member;
    switch (outcome.result) {
      case 'succeeded': {
        const { roundTripMs, evidence } = outcome;
        this.#log.blather({ storage: name, roundTripMs, evidence }, `Keep alive for ${name} successful`);
        this.#emit('pingSucceeded', { name, roundTripMs, evidence });
        return;
      }
      case 'failed':
        this.#log.error({ storage: name, err: outcome.error }, `Keep alive for ${name} failed`);
        this.#emit('pingFailed', { name, error: outcome.error });
        return;
      case 'dead':
        this.#died(member, outcome);
    }
  }

  /** Its ping is due and it is not connected. */
  down({ name, storage }: Member, outage: Outage): void {
    const { lastError } = storage;
    const nowMs = performance.now();
    outage.attemptFailed(lastError);
    const downForMs = outage.lastsMs(nowMs);
    // The message only: this line comes again with each period, and the stack says nothing new.
    const fields = { storage: name, downForMs, cause: outage.cause, reason: lastError?.message };
    this.#log.warn(fields, `Connection for ${name} is down`);
    if (outage.escalates(nowMs)) {
      const seconds = Math.round(downForMs / 1000);
      this.#log.error(
        fields,
        `Connection for ${name} has been down for ${seconds} s; ${causeInWords[outage.cause]}`,
      );
    }
    this.#emit('storageDown', { name, downForMs, error: lastError });
  }

  /** It is connected again. */
  back({ name }: Member, outage: Outage): void {
    const downForMs = outage.lastsMs(performance.now());
    const { cause } = outage;
    // The other causes are over, and were told when they began.
    const why = cause === 'flow-dropped' ? `; ${causeInWords[cause]}` : '';
    this.#log.info(
      { storage: name, downForMs, cause },
      `Connection for ${name} is back after ${(downForMs / 1000).toFixed(1)} s${why}`,
    );
    this.#emit('storageBack', { name, downForMs, cause });
  }

  /** Bytes came lately: no ping was needed. */
  active(member: Member): void {
    this.#log.blather({ storage: member.name }, `Keep alive for ${member.name} not needed`);
  }

  slow({ name }: Member): void {
    this.#log.blather(
      { storage: name },
      `Keep alive for ${name} is not answered in time, but other bytes come or go`,
    );
  }

  busy({ name }: Member): void {
    this.#log.blather({ storage: name }, `Load lock of ${name} is busy, sending keep alive without it`);
  }

  stalled(stall: Stall): void {
    const seconds = (stall.durationMs / 1000).toFixed(1);
    const who = stall.of === 'loop' ? 'The main loop' : 'This process';
    this.#log.warn({ ...stall }, `${who} stood still for ${seconds} s or more; nobody was judged by it`);
    this.#emit('stalled', stall);
  }

  /** The loop threw and goes on. */
  panicked(error: unknown): void {
    this.#log.panic({ err: error }, 'Exception in keep alive thread');
  }

  workerStarted(): void {
    this.#emit('workerStarted');
  }

  workerLost(error: unknown, retryInMs: number): void {
    this.#log.panic({ err: error, retryInMs }, 'Exception in keep alive thread');
    if (retryInMs >= keepsEndingMs) {
      this.#log.warn(
        { retryInMs },
        `Keep alive thread keeps ending, starting it again in ${retryInMs / 1000} s`,
      );
    }
    this.#emit('workerLost', { error, retryInMs });
  }

  listenerFailed(error: unknown, event: unknown): void {
    this.#log.error({ err: error, event: String(event) }, 'A listener of the keep alive threw');
  }

  /** Does something with a storage that must not fail on its fault; what it throws is logged. */
  contain(member: Member, step: () => void): void {
    try {
      step();
    } catch (error) {
      this.misbehaved(member.name, error);
    }
  }

  misbehaved(name: string, error: unknown): void {
    this.#log.error({ storage: name, err: error }, `Storage ${name} misbehaves`);
  }

  #died({ name }: Member, outcome: Extract<PingOutcome, { result: 'dead' }>): void {
    const { error, silentMs, diagnosis } = outcome;
    this.#log.error({ storage: name, silentMs, diagnosis, err: error }, `Keep alive for ${name} failed`);
    this.#emit('storageDied', { name, error, silentMs, diagnosis });
  }

  #emit<Name extends keyof KeepAliveEvents>(name: Name, ...args: KeepAliveEvents[Name]): void {
    try {
      // The emitter's own type of the arguments is a conditional one that does not reduce for a type parameter.
      (this.#events as EventEmitter).emit(name, ...args);
    } catch (error) {
      this.listenerFailed(error, name);
    }
  }
}
