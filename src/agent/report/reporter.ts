import type { EventEmitter } from 'node:events';
import { contain } from '../../async/contain.js';
import type { KeepAliveError } from '../../model/errors.js';
import type { KeepAliveEvents, Stall } from '../../model/events.js';
import type { KeepAliveLog } from '../../observability/log.js';
import { causeInWords } from '../../tcp/diagnosis.js';
import type { Outage } from '../ping/outage.js';
import type { PingOutcome } from '../ping/ping.js';
import type { Member } from '../ping/target-state.js';
import { Announcer } from './announcer.js';
import { LogLines } from './log-lines.js';

/** Takes down what happens: as lines of the log, and as facts for whoever listens. */
export class Journal {
  /** For what is a line only. */
  readonly log: LogLines;
  readonly #facts: Announcer;

  constructor(log: KeepAliveLog, events: EventEmitter<KeepAliveEvents>) {
    this.log = new LogLines(log);
    this.#facts = new Announcer(events, (error, name) => this.log.listenerFailed(error, name));
  }

  sending(member: Member): void {
    this.log.sending(member);
    if (this.#facts.isHeard('pingStarted')) this.#facts.tell('pingStarted', member.fact());
  }

  ended(member: Member, outcome: PingOutcome): void {
    switch (outcome.result) {
      case 'succeeded': {
        const { roundTripMs, evidence, verdict } = outcome;
        this.log.succeeded(member, roundTripMs, evidence);
        if (!this.#facts.isHeard('pingSucceeded')) return;
        this.#facts.tell('pingSucceeded', { ...member.fact(), roundTripMs, evidence, verdict });
        return;
      }
      case 'failed': {
        const { error } = outcome;
        this.log.failed(member, error);
        this.#facts.tell('pingFailed', { ...member.fact(), error });
        return;
      }
      case 'dead': {
        const { error, silentMs, timeToDetectMs, diagnosis, outage } = outcome.death;
        const explanation = causeInWords[diagnosis];
        const fact = { ...member.fact(), error, silentMs, timeToDetectMs, diagnosis, explanation };
        outage.isTold = this.log.died(member, fact);
        this.#facts.tell('storageDied', fact);
      }
    }
  }

  /** Its ping is due and it is not connected. */
  down(member: Member, outage: Outage): void {
    const { lastError: error } = member.storage;
    outage.attemptFailed(error);
    const downForMs = outage.lastsMs(performance.now());
    const fact = { ...member.fact(), downForMs, cause: outage.cause, error };
    this.log.down(member, fact, outage);
    this.#facts.tell('storageDown', fact);
  }

  /** It is connected again. */
  back(member: Member, outage: Outage): void {
    const { cause } = outage;
    const downForMs = outage.lastsMs(performance.now());
    const fact = { ...member.fact(), downForMs, cause, explanation: causeInWords[cause] };
    if (outage.isTold) this.log.back(member, fact);
    this.#facts.tell('storageBack', fact);
  }

  /** It has another connection than at its last ping, and was not seen without one in between. */
  replaced(member: Member, previousGeneration: number): void {
    this.log.replaced(member);
    this.#facts.tell('connectionReplaced', { ...member.fact(), previousGeneration });
  }

  stalled(stall: Stall): void {
    this.log.stalled(stall);
    this.#facts.tell('stalled', stall);
  }

  workerStarted(restarts: number): void {
    this.log.threadRuns();
    this.#facts.tell('workerStarted', { restarts });
  }

  workerLost(error: KeepAliveError, retryInMs: number): void {
    this.log.threadLost(error, retryInMs);
    this.#facts.tell('workerLost', { error, retryInMs });
  }

  /** Does something with a storage that must not fail on its fault; what it throws, or a promise of it rejects with, is logged. */
  contain(member: Member, step: () => unknown): void {
    contain(step, (error) => this.log.misbehaved(member, error));
  }
}
