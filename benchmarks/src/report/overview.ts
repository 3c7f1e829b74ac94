import type { Figure } from '../figure.js';
import type { Result } from '../results.js';
import { markdownTable } from './markdown-table.js';
import type { Panel } from './plot.js';
import { valueInWords } from './words.js';

/** A figure of this package beside those of others in the same run. */
interface Comparison {
  readonly what: string;
  readonly scenario: string;
  readonly of: string;
  readonly subject: string;
  readonly beside: readonly string[];
}

const ownName = 'zeo-keepalive';
const otherLibraries = [
  '@grpc/grpc-js',
  'ws, heartbeat of its README',
  'socket.io',
  'mqtt, broker aedes',
  'bare socket, setKeepAlive',
  "ZEO's Python client",
];

const detected = (what: string, of: string): Comparison => ({
  what,
  scenario: 'detection',
  of,
  subject: ownName,
  beside: otherLibraries,
});
const watched = (what: string, of: string): Comparison => ({
  what,
  scenario: 'sockets',
  of,
  subject: 'watched',
  beside: ['not watched'],
});
const query = (what: string): Comparison => ({
  what: `a query, ${what}`,
  scenario: 'adapters',
  of: `a query, ${what}, wall time`,
  subject: 'agent',
  beside: ['no agent'],
});
const relayed = (what: string, of: string): Comparison => ({
  what,
  scenario: 'guard',
  of,
  subject: 'guard',
  beside: ['direct', 'bare pipe', 'HAProxy', 'HAProxy, tuned'],
});

const silentDrop = detected(
  'a silent connection is noticed, with a period and a timeout of 1 s, after at most',
  'silent drop, max',
);
const falseDisconnects = detected(
  'healthy connections that are lost when the main loop stalls for 3 s',
  'false disconnects, 3 s stall',
);

const comparisons: readonly Comparison[] = [
  silentDrop,
  falseDisconnects,
  {
    what: 'CPU of a ping, 100 ZEO storages',
    scenario: 'ping',
    of: '100 storages',
    subject: 'agent',
    beside: ['bare sockets', 'setInterval and getInfo'],
  },
  {
    what: 'a ping of ZEO’s server, one after the other',
    scenario: 'serial',
    of: "ZEO's server",
    subject: "agent's ping",
    beside: ['Python'],
  },
  {
    what: 'a load of 1 KiB from ZEO’s server',
    scenario: 'storage',
    of: "load, ZEO's server",
    subject: 'ClientStorage',
    beside: ['Python'],
  },
  watched('CPU for 100 idle sockets', 'CPU, 100 sockets'),
  watched('CPU for 10,000 idle sockets', 'CPU, 10,000 sockets'),
  watched('a request, undici', 'a request, undici, wall time'),
  watched('a request, http.Agent, keep-alive', 'a request, http.Agent, keep-alive, wall time'),
  query('pg, a pool of 20'),
  query('mysql2, a pool of 20'),
  query('ioredis'),
  relayed('a load of 1 KiB through the guard', 'a load'),
  relayed('a load of 64 MiB through the guard', 'load of 64 MiB'),
  relayed('CPU for 200 idle clients of the guard', 'CPU, 200 idle clients'),
  relayed('memory for an idle client of the guard', 'memory of an idle client'),
];

const alternatives = [
  [
    'the keep-alive of your protocol, as gRPC has one',
    'if it reads what has come before it counts the silence, and its deadlines are as short as you need: nothing to install',
    'most count the time in which your own program stood still; ask what yours does after a stall',
  ],
  [
    '`socket.setKeepAlive(true, delay)`',
    'if a connection is idle when its peer vanishes, and the delay and ten seconds more are soon enough: it costs nothing',
    'see a server that hangs, or a peer that vanishes with a request under way: that takes a quarter of an hour',
  ],
  [
    'time limits for queries and requests',
    'if you know how long each may take: they also end one that hangs at a server that is alive',
    'find a dead connection before it is used, or tell a dead server from a slow query',
  ],
  [
    'an interval that calls the server',
    'for a handful of connections whose failures you can handle by yourself: it takes less CPU where a ping is rare',
    'time out, see that it was the main loop that stood still, or drop the connection so that its client reconnects',
  ],
  [
    'HAProxy, with checks of the greeting, `tcp-ut` and probes',
    'for thousands of idle Python clients, and for records of many megabytes: it needs less memory and CPU',
    'find a server that hangs with the connection open, as soon as the guard does; see [reliability.md](reliability.md)',
  ],
];

export const pictureFile = 'overview.svg';

/** What the page begins with: a picture, what the figures say in five sentences, a table of all layers, and alternatives. */
export function overview(results: readonly Result[]): string {
  const find = finderIn(results);
  const rows = comparisons.flatMap((comparison) => {
    const { own, others } = figuresOf(comparison, find);
    if (own === undefined || others.length === 0) return [];
    return [[comparison.what, valueInWords(own), others.map(nameAndValue).join('; ')]];
  });
  return [
    ...(picture(results).length > 0
      ? [
          `![How soon a silent connection is noticed, and how many healthy ones are lost; less is better](performance/${pictureFile})`,
        ]
      : []),
    sentences(find).join('\n'),
    '[Alternatives](#what-you-could-use-instead), and when each of them is the better choice, are listed below.',
    '## Beside the others',
    'All figures in a row come from the same run.',
    markdownTable(['', ownName, 'beside it'], rows),
    '## What you could use instead',
    markdownTable(['instead', 'the better choice', 'what it does not do'], alternatives),
  ].join('\n\n');
}

/** What {@link pictureFile} shows; nothing if it was not measured. */
export function picture(results: readonly Result[]): readonly Panel[] {
  const find = finderIn(results);
  const panels = [
    { title: 'a silent connection is noticed after, at most (less is better)', comparison: silentDrop },
    {
      title: 'healthy connections lost, when the main loop stalls for 3 s (less is better)',
      comparison: falseDisconnects,
    },
  ];
  return panels.flatMap(({ title, comparison }) => {
    const { own, others } = figuresOf(comparison, find);
    return own === undefined ? [] : [{ title, figures: [own, ...others] }];
  });
}

type Find = (scenario: string, subject: string, of: string) => Figure | undefined;

function finderIn(results: readonly Result[]): Find {
  return (name, subject, of) =>
    results
      .find(({ scenario }) => scenario === name)
      ?.figures.find((figure) => figure.subject === subject && figure.of === of);
}

function figuresOf({ scenario, of, subject, beside }: Comparison, find: Find) {
  return {
    own: find(scenario, subject, of),
    others: beside.flatMap((name) => find(scenario, name, of) ?? []),
  };
}

function nameAndValue(figure: Figure): string {
  return `${figure.subject}: ${valueInWords(figure)}`;
}

/** Each is left out unless all of its figures were measured. */
function sentences(find: Find): string[] {
  const value = (scenario: string, subject: string, of: string) => {
    const figure = find(scenario, subject, of);
    return figure && valueInWords(figure);
  };
  const times = (scenario: string, subject: string, other: string, of: string) => {
    const [one, two] = [find(scenario, subject, of), find(scenario, other, of)];
    return one && two && (one.value / two.value).toFixed(2);
  };
  const { of: drop } = silentDrop;
  const { of: stall } = falseDisconnects;
  return [
    sentence`With a period and a timeout of 1 s, a connection whose peer has vanished is detected within ${value('detection', ownName, drop)} (gRPC’s own keep-alive: ${value('detection', '@grpc/grpc-js', drop)}; mqtt’s: ${value('detection', 'mqtt, broker aedes', drop)}; ZEO’s Python client: ${value('detection', "ZEO's Python client", drop)}, in a minute).`,
    sentence`A stall of your own program is not mistaken for a dead peer: when the main loop was blocked for 3 s, the agent dropped ${value('detection', ownName, stall)} of its healthy connections, the heartbeat of ws ${value('detection', 'ws, heartbeat of its README', stall)}, and that of socket.io ${value('detection', 'socket.io', stall)}.`,
    sentence`With a hundred ZEO storages, a ping costs ${value('ping', 'agent', '100 storages')} of CPU: ${times('ping', 'agent', 'bare sockets', '100 storages')} times as much as writing and reading its bytes on a bare socket, and ${times('ping', 'agent', 'setInterval and getInfo', '100 storages')} times as much as an interval that calls the storage.`,
    sentence`Watching a hundred idle sockets costs ${value('sockets', 'watched', 'CPU, 100 sockets')} of a core, and ten thousand ${value('sockets', 'watched', 'CPU, 10,000 sockets')}; an undici request takes ${times('sockets', 'watched', 'not watched', 'a request, undici, wall time')} times as long as without the agent, and a query through a busy pg pool ${times('adapters', 'agent', 'no agent', 'a query, pg, a pool of 20, wall time')} times.`,
    sentence`A load through the guard takes ${times('guard', 'guard', 'direct', 'a load')} times as long as a direct one, and through HAProxy ${times('guard', 'HAProxy', 'direct', 'a load')} times; two hundred idle clients cost the guard ${value('guard', 'guard', 'CPU, 200 idle clients')} of a core, and HAProxy ${value('guard', 'HAProxy', 'CPU, 200 idle clients')}.`,
  ].filter((words) => words !== undefined);
}

function sentence(words: TemplateStringsArray, ...values: (string | undefined)[]): string | undefined {
  return values.includes(undefined) ? undefined : String.raw(words, ...values);
}
