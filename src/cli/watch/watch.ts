import { KeepAlive } from '../../agent/keep-alive.js';
import { type KeepAliveOptions, readVariable } from '../../agent/settings.js';
import { StorageRegistry } from '../../agent/storage-registry.js';
import { KeepAliveError } from '../../model/errors.js';
import { ClientStorage } from '../../zeo/storage/client-storage.js';
import { Ending } from '../io/ending.js';
import { exitCode } from '../io/exit-code.js';
import { formatDuration } from '../io/format.js';
import type { ListenAddress } from '../io/listen-address.js';
import type { Output } from '../io/output.js';
import { paintFor } from '../io/paint.js';
import type { Target } from '../io/targets.js';
import { widthOf } from '../io/terminal-text.js';
import { JsonLines, TextLines } from './lines.js';
import { loggerFor, reportAgent, reportStorage, reportWarnings } from './narrate.js';
import { Screen } from './screen.js';
import { Session } from './session.js';
import { UnhurriedView } from './unhurried-view.js';
import type { Entry, View } from './view.js';
import { WatchedStorage } from './watched-storage.js';

export interface WatchOptions {
  /** Settings that override the environment. */
  readonly agent: Omit<KeepAliveOptions, 'logger' | 'level'>;
  /** NDJSON instead of lines or a screen. */
  readonly json: boolean;
  /** Leaves out routine lines. */
  readonly quiet: boolean;
  /** Where to serve metrics and probes. */
  readonly metrics: ListenAddress | undefined;
}

/** Seconds, unless the command line or `ZEO_KEEPALIVE_PERIOD` says otherwise. */
const defaultPeriod = 10;

/**
 * Keeps these storages alive and shows what happens until it is asked to end. Resolves to the exit code.
 *
 * @throws KeepAliveError `ERR_KEEPALIVE_INVALID_SETTING`
 */
export async function watch(
  targets: readonly Target[],
  options: WatchOptions,
  output: Output,
): Promise<number> {
  using ending = new Ending(output);
  const databases = new StorageRegistry();
  // Entries that come before there is a view wait for it.
  const early: Entry[] = [];
  let report = (entry: Entry): void => {
    early.push(entry);
  };
  const logger = loggerFor((entry) => report(entry));
  const periodSet = readVariable('period', process.env);
  const period = options.agent.period ?? (periodSet === undefined ? defaultPeriod : undefined);
  await using agent = new KeepAlive({ ...options.agent, period, logger }, databases);
  if (agent.status().periodMs === undefined) throw nothingToDo(options.agent.period ?? periodSet);
  const session = new Session(agent);
  await using metrics = await serveMetrics(options.metrics, agent, session, targets.length);
  const view = new UnhurriedView(createView(output, session, targets, options), output);
  report = (entry) => {
    session.note(entry);
    if (!options.quiet || (entry.kind !== 'routine' && entry.kind !== 'detail')) view.show(entry);
  };
  try {
    for (const entry of early) report(entry);
    reportAgent(agent, (entry) => report(entry));
    reportWarnings((entry) => report(entry));
    for (const { name, options } of targets) {
      // Does not wait: one server that is down must not hide the state of the others.
      const storage = await ClientStorage.open({ ...options, wait: false });
      reportStorage(name, storage, (entry) => report(entry));
      session.add(new WatchedStorage(name, storage));
      databases.open(name, storage);
    }
    agent.start();
    report(started(agent));
    if (metrics !== undefined) report(served(metrics.address));
    const reason = await ending.reason();
    const summary = session.summary(reason);
    // Nothing is shown after the end of the view: closing the storages is not an event.
    report = () => {};
    view.end(summary);
    return exitCode.done;
  } catch (error) {
    view.end(session.summary('failed'));
    throw error;
  } finally {
    report = () => {};
    await agent.stop();
    await Promise.all([...databases.opened.keys()].map((name) => databases.close(name)));
  }
}

function createView(
  output: Output,
  session: Session,
  targets: readonly Target[],
  { json }: WatchOptions,
): View {
  if (json) return new JsonLines(output);
  const paint = paintFor(output.isTerminal, process.env);
  if (output.isTerminal && process.env.TERM !== 'dumb')
    return new Screen(output, paint, () => session.snapshot());
  return new TextLines(output, paint, Math.max(...targets.map(({ name }) => widthOf(name))));
}

/** Loaded only when asked for. */
async function serveMetrics(
  address: ListenAddress | undefined,
  agent: KeepAlive,
  session: Session,
  expected: number,
) {
  if (address === undefined) return undefined;
  const [{ Metrics }, { MetricsServer }, { metricsPages, storageProblems }] = await Promise.all([
    import('./prometheus.js'),
    import('./metrics-server.js'),
    import('./probes.js'),
  ]);
  const pages = metricsPages({
    metrics: new Metrics(agent, session),
    isHealthy: () => agent.workerRunning,
    problems: () => storageProblems(session.states(), expected),
  });
  return MetricsServer.listen(address, pages);
}

function started(agent: KeepAlive): Entry {
  const { periodMs = 0, timeoutMs = 0, detectionBoundMs = 0, hangBoundMs = 0 } = agent.status();
  const text =
    `pings every ${formatDuration(periodMs)}, waits ${formatDuration(timeoutMs)} for a reply; ` +
    `a server that goes silent is found within ${formatDuration(hangBoundMs)}`;
  const fields = { periodMs, timeoutMs, detectionBoundMs, hangBoundMs };
  return { time: new Date(), event: 'started', name: undefined, kind: 'note', text, fields };
}

function served(address: string): Entry {
  const url = `http://${address}/metrics`;
  const text = `serves ${url}, /healthz and /readyz`;
  return { time: new Date(), event: 'metrics', name: undefined, kind: 'note', text, fields: { url } };
}

function nothingToDo(period: number | string | undefined): KeepAliveError {
  return new KeepAliveError(
    'ERR_KEEPALIVE_INVALID_SETTING',
    `Expected a positive period, as there is nothing to do without one; found ${period}`,
  );
}
