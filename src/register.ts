/**
 * `ZEO_KEEPALIVE_PERIOD=30 node --import zeo-keepalive/register app.js` keeps the databases alive that the application
 * opens in the registry, without a change to its code. Metrics are recorded if a global meter provider of OpenTelemetry is
 * registered by the first ping.
 *
 * Whatever is wrong with the settings is logged, and the application runs without the agent: it did not ask for it.
 */
import { isMainThread, threadId } from 'node:worker_threads';
import type { KeepAlive } from './agent/keep-alive.js';
import { resolveSettings } from './agent/settings.js';
import { initialize } from './agent/thread.js';
import { createLog } from './observability/log.js';

if (isMainThread) begin();
else sayWhyNot();

function begin(): void {
  try {
    const agent = initialize();
    if (agent !== undefined) void recordMetrics(agent);
  } catch (error) {
    createLog({}).panic({ err: error }, 'Keep alive thread not started');
  }
}

/**
 * `--import` runs again in each worker thread of the application, which has a registry of its own. Only for who looks for
 * it: most threads, as those of a pool, have no databases, and a line of each would be noise.
 */
function sayWhyNot(): void {
  try {
    const { settings, level } = resolveSettings({}, process.env);
    if (settings === undefined) return;
    const message = `Keep alive thread not started in worker thread ${threadId}; startThread() there would keep alive what it opens`;
    createLog({ level }).blather({ threadId }, message);
  } catch {
    // The main thread has said what is wrong with the settings.
  }
}

async function recordMetrics(agent: KeepAlive): Promise<void> {
  try {
    const metrics = await import('./observability/metrics.js');
    // By then the application has registered its provider, if it has one.
    agent.once('pingStarted', () => metrics.hasGlobalProvider() && metrics.recordMetrics());
  } catch (error) {
    if (isInstalled('@opentelemetry/api'))
      createLog({}).warn({ err: error }, 'Metrics of the keep alive are not recorded');
  }
}

/** Asked by itself: an import may also fail because the package, which is there, lacks something that it imports. */
function isInstalled(name: string): boolean {
  try {
    import.meta.resolve(name);
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    // Node's word for it, and that of Yarn's Plug'n'Play.
    return code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND';
  }
}
