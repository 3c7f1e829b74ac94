import type { ConnectionEvent } from '../../model/events.js';
import { type PingTraceContext, pingChannel } from '../../observability/channels.js';
import type { PingOutcome } from '../ping/ping-outcome.js';

/** One ping as the subscribers of the tracing channel see it. */
export class PingTrace {
  readonly #context: PingTraceContext;

  constructor({ name, address, generation }: ConnectionEvent) {
    // With room for what comes later: an object that grows is a slow one.
    this.#context = { name, address, generation, verdict: undefined, roundTripMs: undefined };
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
    context.verdict = outcome.verdict;
    if ('roundTripMs' in outcome) context.roundTripMs = outcome.roundTripMs;
    if ('error' in outcome) {
      context.error = outcome.error;
      pingChannel.error.publish(context as PingTraceContext & { error: unknown });
    }
    pingChannel.asyncStart.publish(context);
    pingChannel.asyncEnd.publish(context);
  }
}
