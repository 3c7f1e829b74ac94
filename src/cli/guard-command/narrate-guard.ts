import type { Backend } from '../../guard/backend.js';
import type { Frontend } from '../../guard/frontend.js';
import type { Relay } from '../../guard/relay.js';
import { explain, formatDuration } from '../io/format.js';
import { oneLine } from '../io/terminal-text.js';
import type { Entry, EntryKind, Report } from '../watch/view.js';
import { LineBudget } from './line-budget.js';
import type { ConfigChange } from './route-source.js';

const shortageLineMs = 60_000;

/** Reports what happens at an address where clients are accepted. */
export function reportFrontend(frontend: Frontend, report: Report): void {
  const say = (kind: EntryKind, event: string, text: string, fields: object = {}) =>
    report({ time: new Date(), event, name: frontend.name, kind, text, fields: { ...fields } });
  const clients = new LineBudget(report);
  frontend.on('serverDown', ({ name: server }, error) =>
    say('bad', 'serverDown', `${server} is down: ${explain(error)}`, { server, error }),
  );
  frontend.on('serverUp', ({ name: server }) => say('good', 'serverUp', `${server} is up again`, { server }));
  // At the limit each client that leaves makes room for the next one.
  let isReported = true;
  let reportedMs = Number.NEGATIVE_INFINITY;
  let late: NodeJS.Timeout | undefined;
  frontend.on('closed', (error) => {
    const report = () => {
      isReported = true;
      if (error !== undefined) reportedMs = performance.now();
      const why = error === undefined ? 'no server greets' : explain(error);
      const until = error === undefined ? 'one does' : 'others have left (reported at most once a minute)';
      say('bad', 'closed', `${why}: clients are refused until ${until}`, { error });
    };
    clearTimeout(late);
    const waitMs = error === undefined ? 0 : reportedMs + shortageLineMs - performance.now();
    isReported = waitMs <= 0;
    if (isReported) report();
    else late = setTimeout(report, waitMs).unref();
  });
  frontend.on('opened', () => {
    clearTimeout(late);
    if (isReported) say('good', 'opened', 'clients are accepted again');
  });
  frontend.on('openFailed', (error) =>
    say('bad', 'openFailed', `cannot accept clients again: ${explain(error)}`, { error }),
  );
  frontend.on('refused', (error) =>
    clients.report({
      ...{ time: new Date(), event: 'refused', name: frontend.name, kind: 'bad' },
      ...{ text: `a client was refused: ${explain(error)}`, fields: { error } },
    }),
  );
  frontend.on('relayed', (relay) => reportRelay(relay, clients.report));
}

/** What the servers behind an address are. */
export function listening({ name, backends, tls }: Frontend): Entry {
  const servers = backends.map(({ name }: Backend) => name);
  const passed = tls.passThrough ? ', whose TLS is passed through' : '';
  const [listens, ofServers] = [tls.clients, tls.servers].map((side) =>
    side === undefined ? '' : ' with TLS',
  );
  const text = `listens${listens} for clients of ${servers.join(', ')}${ofServers}${passed}`;
  return { time: new Date(), event: 'listening', name, kind: 'note', text, fields: { servers } };
}

/** What to write in a configuration, line by line. */
export function changesOf(changes: readonly ConfigChange[]): readonly Entry[] {
  const settings = (addresses: readonly string[]) => addresses.map((address) => `server ${address}`);
  return changes
    .filter(({ from, to }) => from.some((server, index) => server !== to[index]))
    .map(({ file, line, from, to }) => ({
      ...{ time: new Date(), event: 'change', name: undefined, kind: 'note' },
      text: oneLine(
        `${file}:${line}: write ${settings(to).join(' and ')} in place of ${settings(from).join(' and ')}`,
      ),
      fields: { file, line, from, to },
    }));
}

function reportRelay(relay: Relay, report: Report): void {
  const { name, clientAddress: client, address: server } = relay;
  const startedMs = performance.now();
  const say = (kind: EntryKind, event: string, text: string, fields: object) =>
    report({ time: new Date(), event, name, kind, text, fields: { ...fields } });
  say('note', 'relayed', `${client || 'a client'} is connected to ${server}`, { client, server });
  relay.once('labelled', (label) => say('note', 'labelled', oneLine(`calls itself ${label}`), { label }));
  relay.once('closed', (error) => {
    const lastedMs = performance.now() - startedMs;
    // What the agent found has been reported, with the diagnosis.
    const isKnown = error === undefined || (error as NodeJS.ErrnoException).code === 'ERR_KEEPALIVE_TIMEOUT';
    const why = error === undefined ? '' : `: ${explain(error)}`;
    const text = `ended after ${formatDuration(lastedMs)}${why}`;
    say(isKnown ? 'detail' : 'bad', 'ended', text, { lastedMs, label: relay.label, error });
  });
}
