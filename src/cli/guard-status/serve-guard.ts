import type { Frontend } from '../../guard/frontend.js';
import type { Guard } from '../../guard/guard.js';
import type { Pages } from '../../observability/http-pages.js';
import type { ListenAddress } from '../io/listen-address.js';
import { MetricsServer } from '../watch/metrics-server.js';
import { metricsPages } from '../watch/probes.js';
import { GuardMetrics } from './guard-metrics.js';
import { GuardStatistics } from './guard-statistics.js';
import { frontendProblems } from './readiness.js';
import { readStatusPage } from './status-page.js';
import { statusReport } from './status-report.js';

export interface ServedGuard extends AsyncDisposable {
  /** Where it is served, as `HOST:PORT`. */
  readonly address: string;
  /** Counts what happens at an address from now on. */
  watch(frontend: Frontend): void;
}

/**
 * Serves the metrics, the probes and the status page of a guard that is not started yet.
 *
 * @param stopping aborts when the guard is being stopped: from then on it is not ready
 * @throws Error that names the address, if it cannot be listened on
 */
export async function serveGuard(
  address: ListenAddress,
  guard: Guard,
  stopping: AbortSignal,
): Promise<ServedGuard> {
  const statistics = new GuardStatistics(guard);
  const startedAt = new Date();
  const shortageOf = (frontend: Frontend) => statistics.shortage(frontend);
  const problems = () =>
    stopping.aborted ? ['The guard is being stopped'] : [...frontendProblems(guard.frontends, shortageOf)];
  const page = readStatusPage();
  const pages: Pages = {
    '/': () => page,
    '/status.json': () => {
      const state = { startedAt, isStopping: stopping.aborted, problems: problems() };
      const body = JSON.stringify(statusReport(guard, statistics, state));
      return { status: 200, type: 'application/json', body };
    },
    ...metricsPages({
      metrics: new GuardMetrics(guard, statistics),
      isHealthy: () => guard.agent.workerRunning,
      problems,
    }),
  };
  const server = await MetricsServer.listen(address, pages);
  return {
    address: server.address,
    watch: (frontend) => statistics.watch(frontend),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
