/**
 * `ZEO_KEEPALIVE_PERIOD=30 node --import zeo-keepalive/register app.js` keeps alive the databases that the application
 * opens in the registry, without a change to its code. Metrics are recorded if the application has registered a global
 * OpenTelemetry meter provider by the time of the first ping, or of
 * the end of the first period.
 *
 * Invalid settings are logged, and the application runs without the agent: its own code did not ask for one.
 */
import { isMainThread, threadId } from 'node:worker_threads';
import type { KeepAlive } from './agent/keep-alive.js';
import { resolveSettings } from './agent/settings.js';
import { initialize } from './agent/thread.js';
import { createLog } from './observability/log.js';

const longestTimerMs = 2 ** 31 - 1;

if (isMainThread) start();
else explainNotStarted();

function start(): void {
  try {
    const agent = initialize();
    // Not before the thread is up: `@opentelemetry/api` is large, and the application's own start comes first.
    agent?.once('workerStarted', () => void recordMetrics(agent));
  } catch (error) {
    createLog({}).panic({ err: error }, 'Keep alive thread not started');
  }
}

/**
 * `--import` runs again in each worker thread of the application, and each has a registry of its own. Logged at the lowest
 * level: most threads, such as those of a pool, open no databases, and a line from each would be noise.
 */
function explainNotStarted(): void {
  try {
    const { settings, level } = resolveSettings({}, process.env);
    if (settings === undefined) return;
    const message = `Keep alive thread not started in worker thread ${threadId}; startThread() there would keep alive what it opens`;
    createLog({ level }).blather({ threadId }, message);
  } catch {
    // The main thread has already logged what is wrong with the settings.
  }
}

async function recordMetrics(agent: KeepAlive): Promise<void> {
  try {
    const metrics = await import('./observability/metrics.js');
    const record = () => metrics.hasGlobalProvider() && metrics.recordMetrics();
    // By then the application has registered its provider, if it has one.
    agent.once('pingStarted', record);
    // Where only sockets are watched, nothing is pinged.
    const periodMs = agent.status().periodMs ?? 0;
    setTimeout(record, Math.min(periodMs, longestTimerMs)).unref();
  } catch (error) {
    if (isInstalled('@opentelemetry/api'))
      createLog({}).warn({ err: error }, 'Keep alive metrics are not recorded');
  }
}

/** A failed import does not prove that the package is missing: one of its own imports may be. */
function isInstalled(name: string): boolean {
  try {
    import.meta.resolve(name);
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    // Node's code, and that of Yarn Plug'n'Play.
    return code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND';
  }
}
