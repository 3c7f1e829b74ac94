import type { ConnectionEvent } from '../../model/events.js';
import { type PingTraceContext, pingChannel } from '../../observability/channels.js';
import type { PingOutcome } from '../ping/ping-outcome.js';

/** Publishes one ping on the tracing channel. */
export class PingTrace {
  readonly #context: PingTraceContext;

  constructor({ name, address, generation }: ConnectionEvent) {
    // With all properties from the start: adding them later would make the object slow.
    this.#context = { name, address, generation, verdict: undefined, roundTripMs: undefined };
  }

  /** Calls `begin`, which starts the ping, with the stores bound to the channel. */
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
