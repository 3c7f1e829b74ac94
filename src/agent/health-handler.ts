import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Pages, plainPage, probePage, respond } from '../observability/http-pages.js';
import { redactText } from '../observability/redaction.js';
import type { KeepAlive } from './keep-alive.js';
import { type ConnectionStatus, isUp } from './status.js';

/** Responds to a request, or calls `next` if it is not for a health check. */
export type HealthHandler = (request: IncomingMessage, response: ServerResponse, next?: () => void) => void;

/**
 * Health checks of an application, for a server of `node:http` or a framework that takes its handlers, such as Express.
 *
 * | path | response |
 * | --- | --- |
 * | `/healthz` | 200: for a liveness probe, since a restart of the client does not cure a server that is down |
 * | `/readyz` | 200 while every target is connected and its last ping, if any, was answered; else 503 and the problems: for a readiness probe |
 *
 * Any other path is passed to `next`, or is 404 if there is none.
 *
 * @param agent what `startThread` returned; if that is `undefined`, or stopped, no connection is known and both paths are 200
 *
 * @example
 * const health = healthHandler(startThread(30));
 * createServer((request, response) => health(request, response, () => application(request, response)));
 */
export function healthHandler(agent: Pick<KeepAlive, 'status'> | undefined): HealthHandler {
  const pages: Pages = {
    '/healthz': () => plainPage(200, 'ok'),
    '/readyz': () =>
      probePage(
        agent
          ?.status({ roundTrips: false })
          .connections.filter((one) => !isUp(one))
          .map(problemOf) ?? [],
      ),
  };
  return (request, response, next) => respond(request, response, pages, next);
}

function problemOf({ name, ready }: ConnectionStatus): string {
  return `${redactText(name)}: ${ready ? 'its last ping failed' : 'not connected'}`;
}
