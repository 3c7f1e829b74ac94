import { type Pages, probePage } from '../../observability/http-pages.js';
import { isTrouble, type Row } from './snapshot.js';

export interface MetricsSource {
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  /** Whether this program works. */
  readonly isHealthy: () => boolean;
  /** Why it cannot do its work for others now; empty while it can. */
  readonly problems: () => Iterable<string>;
}

/**
 * | path | response |
 * | --- | --- |
 * | `/metrics` | Prometheus text |
 * | `/healthz` | 200 while the agent runs, else 503: for a liveness probe |
 * | `/readyz` | 200 while the agent runs and there are no problems, else 503 and the problems: for a readiness probe |
 */
export function metricsPages({ metrics, isHealthy, problems }: MetricsSource): Pages {
  const health = () => (isHealthy() ? [] : ['the worker thread is not running']);
  return {
    '/metrics': async () => ({ status: 200, type: metrics.contentType, body: await metrics.text() }),
    '/healthz': () => probePage(health()),
    '/readyz': () => probePage([...health(), ...problems()]),
  };
}

/**
 * What is wrong with the storages of `watch`.
 *
 * @param storages those opened so far, fewer than `expected` while they are being opened
 */
export function* storageProblems(
  storages: readonly Pick<Row, 'name' | 'state'>[],
  expected: number,
): Iterable<string> {
  if (storages.length < expected)
    yield `${expected - storages.length} of ${expected} storages are not open yet`;
  for (const { name, state } of storages) if (isTrouble(state)) yield `${name}: ${state}`;
}
