import type { StorageFact } from '../../model/events.js';
import { type PingResult, type PingTraceContext, pingChannel } from '../../observability/channels.js';
import type { PingOutcome } from '../ping/ping.js';

/** One ping as the subscribers of the tracing channel see it. */
export class PingTrace {
  readonly #context: PingTraceContext;

  constructor({ name, address, generation }: StorageFact) {
    // With room for what comes later: an object that grows is a slow one.
    this.#context = { name, address, generation, result: undefined, roundTripMs: undefined };
  }

  /** Whether anybody subscribes: else there is nothing to trace. */
  static get isWanted(): boolean {
    return pingChannel.hasSubscribers;
  }

  /** Begins the ping. */
  run(begin: () => void): void {
    pingChannel.start.runStores(this.#context, () => {
      begin();
      pingChannel.end.publish(this.#context);
    });
  }

  ended(outcome: PingOutcome): void {
    const context = this.#context;
    context.result = resultOf(outcome);
    if (outcome.result === 'succeeded') context.roundTripMs = outcome.roundTripMs;
    else if (outcome.result === 'failed' || outcome.result === 'dead') {
      context.error = outcome.error;
      pingChannel.error.publish(context as PingTraceContext & { error: unknown });
    }
    pingChannel.asyncStart.publish(context);
    pingChannel.asyncEnd.publish(context);
  }
}

function resultOf(outcome: PingOutcome): PingResult {
  return outcome.result === 'succeeded' ? outcome.verdict : outcome.result;
}
