import { type KeepAliveOptions, readVariable } from '../../agent/settings.js';
import type { Frontend, GuardTls } from '../../guard/frontend.js';
import { Guard } from '../../guard/guard.js';
import type { PingMethod } from '../../guard/ping-injector.js';
import { formatAddress, isReachableFromOutside } from '../../zeo/connection/address.js';
import type { ServedGuard } from '../guard-status/serve-guard.js';
import { Ending } from '../io/ending.js';
import { exitCode } from '../io/exit-code.js';
import { formatDuration } from '../io/format.js';
import type { ListenAddress } from '../io/listen-address.js';
import type { Output } from '../io/output.js';
import { paintFor } from '../io/paint.js';
import { JsonLines, TextLines } from '../watch/lines.js';
import { loggerFor, reportAgent, reportWarnings } from '../watch/narrate.js';
import { UnhurriedView } from '../watch/unhurried-view.js';
import type { Entry } from '../watch/view.js';
import { LineBudget } from './line-budget.js';
import { changesOf, listening, reportFrontend } from './narrate-guard.js';
import { Reload } from './reload.js';
import type { RouteSource } from './route-source.js';

export interface GuardRunOptions {
  /** What to override the environment with. */
  readonly agent: Pick<KeepAliveOptions, 'period' | 'timeout'>;
  /** Default: `ping`. */
  readonly pingMethod: PingMethod | undefined;
  readonly tls: GuardTls;
  /** How long a stop waits for calls that are not answered. */
  readonly graceMs: number;
  /** NDJSON instead of lines. */
  readonly json: boolean;
  /** Where to serve metrics, probes and the status page. */
  readonly metrics: ListenAddress | undefined;
}

/** Seconds, unless the command line or `ZEO_KEEPALIVE_PERIOD` says otherwise. */
const defaultPeriod = 10;

/**
 * Relays clients to their servers and keeps the connections alive, until it is asked to end. Resolves to the exit code.
 *
 * @throws KeepAliveError for invalid routes and settings; the system's error where an address cannot be listened on
 */
export async function runGuard(
  source: RouteSource,
  { agent: agentOptions, pingMethod, tls, graceMs, json, metrics }: GuardRunOptions,
  output: Output,
): Promise<number> {
  // It goes on when nobody reads its lines any more.
  using ending = new Ending(output, { endsWithOutput: false, onHangUp });
  let reload: Reload | undefined;
  let isAskedToReload = false;
  function onHangUp() {
    if (ending.signal.aborted) return;
    isAskedToReload = true;
    reload?.request();
  }
  const { routes, changes } = await source.read();
  const longest = Math.max(...routes.map(({ listen }) => formatAddress(listen).length));
  const lines = json
    ? new JsonLines(output)
    : new TextLines(output, paintFor(output.isTerminal, process.env), longest + ' #12345'.length);
  const view = new UnhurriedView(lines, output);
  const report = (entry: Entry) => view.show(entry);
  const isPeriodSet = readVariable('period', process.env) !== undefined;
  const period = agentOptions.period ?? (isPeriodSet ? undefined : defaultPeriod);
  const guard = new Guard(
    routes,
    { ...agentOptions, period, logger: loggerFor(report) },
    { pingMethod, tls },
  );
  const clients = new LineBudget(report);
  reportAgent(guard.agent, (entry) => {
    if (entry.kind !== 'routine') clients.report(entry);
  });
  reportWarnings(report);
  await using served = await serveMetrics(metrics, guard, ending.signal);
  const follow = (frontend: Frontend) => {
    reportFrontend(frontend, report);
    served?.watch(frontend);
  };
  for (const frontend of guard.frontends) follow(frontend);
  await guard.start();
  for (const entry of started(guard)) report(entry);
  for (const entry of changesOf(changes)) report(entry);
  if (metrics !== undefined && served !== undefined)
    for (const entry of serving(metrics, served)) report(entry);
  guard.watchIdleServers();
  reload = new Reload({ guard, source, changes, graceMs, report, stopping: ending.signal, onNew: follow });
  if (isAskedToReload) reload.request();
  const reason = await ending.reason();
  const open = guard.frontends.reduce((sum, { relays }) => sum + relays.size, 0);
  report(
    note('stopping', undefined, `${reason}: ends ${open} ${open === 1 ? 'connection' : 'connections'}`, {
      reason,
      connections: open,
    }),
  );
  await guard.stop(graceMs);
  view.showLast(note('stopped', undefined, 'stopped', { reason }));
  return exitCode.done;
}

/** What is promised where TLS is passed through. */
const noPings = 'passes TLS through without pings, and begins a handshake of its own with each server';
const flowsOnly =
  process.platform === 'linux'
    ? 'a connection is reset when the system finds its path dead; whether the server answers on it cannot be seen'
    : 'the loss of a single connection is found only by the system’s own probes: only Linux shows which ones are dead';

/** Loaded only when asked for. */
async function serveMetrics(address: ListenAddress | undefined, guard: Guard, stopping: AbortSignal) {
  if (address === undefined) return undefined;
  const { serveGuard } = await import('../guard-status/serve-guard.js');
  return serveGuard(address, guard, stopping);
}

function serving(given: ListenAddress, { address }: ServedGuard): readonly Entry[] {
  const url = `http://${address}/`;
  const text = `shows its status at ${url}; serves /metrics, /healthz and /readyz`;
  const warning =
    'the status page is open to other machines: whoever can connect can see the servers and the addresses of the clients';
  return [
    note('metrics', undefined, text, { url }),
    ...(isReachableFromOutside(given) ? [warn(undefined, warning)] : []),
  ];
}

function started({ agent, frontends }: Guard): readonly Entry[] {
  const { periodMs = 0, timeoutMs = 0, detectionBoundMs = 0, hangBoundMs = 0 } = agent.status();
  const passesTls = frontends.some(({ tls }) => tls.passThrough);
  const text =
    `${passesTls ? noPings : 'pings'} every ${formatDuration(periodMs)}, waits ${formatDuration(timeoutMs)} for an answer: ` +
    `the clients of a server that goes silent are reset within ${formatDuration(hangBoundMs)}`;
  return [
    note('started', undefined, text, { periodMs, timeoutMs, detectionBoundMs, hangBoundMs }),
    ...(passesTls ? [note('passThrough', undefined, flowsOnly, {})] : []),
    ...frontends.map(listening),
    ...frontends
      .filter(({ tls }) => tls.clients?.ca === undefined && tls.passThrough !== true)
      .filter(({ address }) => isReachableFromOutside(address))
      .map(({ name, tls }) => {
        const message =
          `is open to other machines, ${tls.clients === undefined ? 'without TLS' : 'and does not ask clients for a certificate'}: ` +
          'whoever can connect can read and change the data, as at the server itself';
        return warn(name, message);
      }),
  ];
}

function warn(name: string | undefined, message: string): Entry {
  return note('log', name, message, { level: 'warn', message });
}

function note(
  event: string,
  name: string | undefined,
  text: string,
  fields: Readonly<Record<string, unknown>>,
): Entry {
  return { time: new Date(), event, name, kind: 'note', text, fields };
}
