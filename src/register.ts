/**
 * `ZEO_KEEPALIVE_PERIOD=30 node --import zeo-keepalive/register app.js` keeps alive the databases that the application
 * opens in the registry, without a change to its code. Metrics are recorded if the application has registered a global
 * OpenTelemetry meter provider by the time of the first ping, or of
 * the end of the first period.
 *
 * Invalid settings are logged, and the application runs without the agent: its own code did not ask for one.
 *
 * Rules:
 * - Node takes up to a millisecond to load a module, so before the application's first line there are few, of Node's own, too:
 *   what is set is noted, and which sockets begin to connect.
 * - The agent is loaded and started a fifth of a second later, or as soon as the application calls it: what is called first
 *   finds it started. At the latest when the process ends, for the log to say what is wrong with the settings.
 */
import type { KeepAlive } from './agent/keep-alive.js';
import { started } from './agent/started.js';
import { noteConnects } from './sockets/discovery.js';

/** How long the application has to start before the agent's code is loaded. */
const loadAfterMs = 200;
const longestTimerMs = 2 ** 31 - 1;

const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => name.startsWith('ZEO_KEEPALIVE_')),
);
// Unless another copy of this package has been imported the same way.
if (started.early === undefined) startLater();
// At the usual level there is nothing to explain.
if (env.ZEO_KEEPALIVE_LOG_LEVEL && !isMainThread()) void explainNotStarted();

function startLater(): void {
  const takeSockets = env.ZEO_KEEPALIVE_SOCKETS ? noteConnects() : () => [];
  const timer = setTimeout(loadAgent, loadAfterMs).unref();
  process.once('exit', loadAgent);
  started.early = {
    env,
    take() {
      clearTimeout(timer);
      process.off('exit', loadAgent);
      const sockets = takeSockets();
      return isMainThread() ? sockets : undefined;
    },
    onStarted(agent) {
      // Not before the thread is up: `@opentelemetry/api` is large, and the application's own start comes first.
      agent.once('workerStarted', () => void recordMetrics(agent).catch(() => {}));
    },
  };
}

/** Asked for late, as it costs more than all of this. */
function isMainThread(): boolean {
  return process.getBuiltinModule('node:worker_threads').isMainThread;
}

/**
 * All at once if possible, so that an application which requires it meanwhile does not find it half loaded. That fails while the
 * application is importing it itself, and in a bundle.
 */
function loadAgent(): void {
  if (!isMainThread()) {
    giveUp();
    return;
  }
  try {
    const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);
    (require('./agent/thread.js') as typeof import('./agent/thread.js')).startEarly();
  } catch {
    import('./agent/thread.js').then(
      ({ startEarly }) => startEarly(),
      (error) => {
        giveUp();
        process.emitWarning(`Keep alive thread not started: ${error}`);
      },
    );
  }
}

function giveUp(): void {
  started.early?.take();
  started.early = undefined;
}

/**
 * `--import` runs again in each worker thread of the application, and each has a registry of its own. Logged at the lowest
 * level: most threads, such as those of a pool, open no databases, and a line from each would be noise.
 */
async function explainNotStarted(): Promise<void> {
  try {
    const { resolveSettings } = await import('./agent/settings.js');
    const { settings, level } = resolveSettings({}, process.env);
    if (settings === undefined) return;
    const { createLog } = await import('./observability/log.js');
    const { threadId } = process.getBuiltinModule('node:worker_threads');
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
    if (!isInstalled('@opentelemetry/api')) return;
    const { createLog } = await import('./observability/log.js');
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
