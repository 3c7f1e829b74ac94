/**
 * All `node:diagnostics_channel` channels of the package: for whoever observes a process without having its agent at hand,
 * as metrics and tracers do.
 *
 * Rules:
 * - Nothing is built while nobody subscribes.
 * - Node reports what a subscriber throws as an uncaught exception: it must not throw.
 *
 * @example
 * import { subscribe } from 'node:diagnostics_channel';
 * subscribe('zeo-keepalive:connection-died', ({ name, explanation }) => page(`${name}: ${explanation}`));
 */
import { type Channel, channel, tracingChannel } from 'node:diagnostics_channel';
import type { ConnectionEvent, EventName, EventOf, Verdict } from '../model/events.js';

/** The context of one ping, the same object from its `start` to its `asyncEnd`. */
export interface PingTraceContext extends ConnectionEvent {
  /** From `asyncStart` on. */
  verdict: Exclude<Verdict, 'active'> | undefined;
  /** From `asyncStart` on, in milliseconds, if the reply came. */
  roundTripMs: number | undefined;
  /** From `error` on, if it failed or the peer was declared dead. */
  error?: unknown;
}

/**
 * Pings, as `tracing:zeo-keepalive:ping:start` and so on. `start` and `end` enclose what is done at once, the load lock and
 * the sending if the lock is free; `asyncStart` and `asyncEnd` come once when the ping has ended, after `error` if it failed
 * or the peer is dead. A context bound to `start` (`bindStore`) holds in all that the target does for the ping.
 */
export const pingChannel = tracingChannel<unknown, PingTraceContext>('zeo-keepalive:ping');

/** The events that have a channel of their own. Those of pings are in the trace. */
export type PublishedEventName = Exclude<EventName, 'pingStarted' | 'pingSucceeded' | 'pingFailed'>;

/** The messages are what the agent's events of that name carry. */
export const channels: {
  readonly [Name in PublishedEventName]: Channel<unknown, EventOf<Name>>;
} = {
  connectionDied: eventChannel('connection-died'),
  connectionDown: eventChannel('connection-down'),
  connectionBack: eventChannel('connection-back'),
  connectionReplaced: eventChannel('connection-replaced'),
  stalled: eventChannel('stalled'),
  workerStarted: eventChannel('worker-started'),
  workerLost: eventChannel('worker-lost'),
};

function eventChannel<Message>(name: string): Channel<unknown, Message> {
  return channel(`zeo-keepalive:${name}`) as Channel<unknown, Message>;
}
