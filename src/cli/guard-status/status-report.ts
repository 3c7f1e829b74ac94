import type { Frontend } from '../../guard/frontend.js';
import type { Guard } from '../../guard/guard.js';
import { explain } from '../io/format.js';
import { oneLine } from '../io/terminal-text.js';
import type { GuardStatistics } from './guard-statistics.js';

/** More connections than this are only counted. */
const mostConnections = 200;

export interface GuardState {
  readonly startedAt: Date;
  readonly isStopping: boolean;
  /** Why it is not ready; empty if it is. */
  readonly problems: readonly string[];
}

/** What the status page shows, as JSON. Its size depends on the routes and, up to a limit, on the clients; all texts are printable. */
export function statusReport(guard: Guard, statistics: GuardStatistics, state: GuardState): object {
  const { periodMs, timeoutMs, detectionBoundMs } = guard.agent.status();
  const { connections } = statistics;
  const shown = connections.slice(-mostConnections).reverse();
  return {
    time: new Date(),
    ...state,
    periodMs,
    timeoutMs,
    detectionBoundMs,
    listeners: guard.frontends.map((frontend) => listenerReport(frontend, statistics)),
    deaths: statistics.deaths.latest,
    connections: shown.map(({ relay, listener, since, roundTripMs }) => ({
      name: oneLine(relay.name),
      client: oneLine(relay.clientAddress),
      label: relay.label && oneLine(relay.label),
      listener,
      server: relay.address,
      since,
      ...relay.receivedBytes,
      roundTripMs,
    })),
    connectionsLeftOut: connections.length - shown.length,
  };
}

function listenerReport(frontend: Frontend, statistics: GuardStatistics): object {
  return {
    name: frontend.name,
    isListening: frontend.isListening,
    waiting: frontend.waiting,
    refused: statistics.refused(frontend),
    servers: frontend.backends.map((backend) => {
      const { open, begun, deaths, receivedBytes, roundTrips } = statistics.of(backend);
      return {
        name: backend.name,
        state: backend.isUp ? (backend.hasGreeted ? 'up' : 'unknown') : 'down',
        downSince: statistics.downSince(backend),
        error: backend.error && explain(backend.error),
        connections: open,
        connectionsTotal: begun,
        deaths,
        ...receivedBytes,
        roundTrips: roundTrips.steps(),
      };
    }),
  };
}
