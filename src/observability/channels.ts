/**
 * All `node:diagnostics_channel` channels of the package, for metrics, tracers and other observers without access to the
 * agent.
 *
 * Rules:
 * - No message is built while a channel has no subscribers.
 * - A subscriber must not throw: Node turns its exceptions into uncaught ones.
 *
 * @example
 * import { subscribe } from 'node:diagnostics_channel';
 * subscribe('zeo-keepalive:connection-died', ({ name, explanation }) => page(`${name}: ${explanation}`));
 */
import { type Channel, channel, tracingChannel } from 'node:diagnostics_channel';
import type { ConnectionEvent, EventName, EventOf, Verdict } from '../model/events.js';

/** The context of one ping, the same object from its `start` to its `asyncEnd`. */
export interface PingTraceContext extends ConnectionEvent {
  /** Set before `asyncStart`. */
  verdict: Exclude<Verdict, 'active'> | undefined;
  /** Set before `asyncStart`, in milliseconds, if the reply came. */
  roundTripMs: number | undefined;
  /** Set before `error`, if the ping failed or the peer was declared dead. */
  error?: unknown;
}

/**
 * Traces pings, as `tracing:zeo-keepalive:ping:start` and so on. `start` and `end` enclose the synchronous part: taking the
 * lock, and sending the ping if the lock is free. `asyncStart` and `asyncEnd` are published once, when the ping has ended,
 * after `error` if it failed or the peer was declared dead. A store bound to `start` (`bindStore`) is active in everything
 * that the target does for the ping.
 */
export const pingChannel = tracingChannel<unknown, PingTraceContext>('zeo-keepalive:ping');

/** The events that have a channel of their own. Those of pings are covered by the tracing channel. */
export type PublishedEventName = Exclude<EventName, 'pingStarted' | 'pingSucceeded' | 'pingFailed'>;

/** The channels by event. Their messages are the objects that the agent emits. */
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

/** The state of one connection of an agent. */
export interface ConnectionReading {
  /** Its name in the registry. */
  readonly name: string;
  readonly address: string | undefined;
  /** Whether it is connected. */
  readonly ready: boolean;
  /** Whether it is connected and its last ping, if any, was answered. */
  readonly isUp: boolean;
}

/**
 * Asks for the present state, where the others report changes: an observer publishes a function, and each running agent calls
 * it for each of its connections before `publish` returns.
 *
 * @internal
 */
export const readingChannel: Channel<unknown, (reading: ConnectionReading) => void> =
  eventChannel('reading-requested');

function eventChannel<Message>(name: string): Channel<unknown, Message> {
  return channel(`zeo-keepalive:${name}`) as Channel<unknown, Message>;
}
