import type { Fault, FaultOptions, FaultResult } from '../fault.js';
import { missingForSlowLinks } from './networks/missing.js';
import { type Link, SlowLinks } from './networks/slow-links.js';
import { type HostEvent, HostProcess, type Uploaded } from './processes/host-process.js';
import { ServerProcess } from './processes/server-process.js';

/** Records of one transaction, uploaded over one link for each of the pauses. */
interface Upload {
  readonly megabits: number;
  readonly mebibytes: number;
  readonly records: number;
}

interface Size {
  /** Seconds. */
  readonly period: number;
  readonly timeout: number;
  /** Uploads of one group run at the same time. */
  readonly groups: readonly (readonly Upload[])[];
  /**
   * How long the server is busy after the records of an upload before it reads on or replies, as fractions of the timeout. The
   * sum counts: its host may take in a whole record, and a ping behind it, while the server is busy with the one before.
   */
  readonly pauses: readonly number[];
}

const upload = (megabits: number, mebibytes: number, records = 1): Upload => ({
  megabits,
  mebibytes,
  records,
});

/** ZEO's own server needs no pauses: its time for a record grows with the square of the size. */
const sizes: Readonly<Record<FaultOptions['size'], Readonly<Record<'embedded' | 'zeo', Size>>>> = {
  scaled: {
    embedded: {
      period: 0.5,
      timeout: 2,
      groups: [[upload(1, 0.5), upload(10, 4), upload(100, 12, 2)]],
      pauses: [0, 0.5, 0.7, 0.7],
    },
    zeo: {
      period: 0.5,
      timeout: 2,
      groups: [[upload(1, 0.5), upload(10, 1, 2), upload(100, 1)]],
      pauses: [0],
    },
  },
  full: {
    embedded: {
      period: 1,
      timeout: 3,
      groups: [
        [upload(1, 1), upload(1, 4), upload(1, 16)],
        [upload(10, 1), upload(10, 8, 2), upload(10, 64)],
        [upload(100, 1), upload(100, 8, 2), upload(100, 64)],
      ],
      pauses: [0, 0.3, 0.6, 0.9],
    },
    zeo: {
      period: 1,
      timeout: 5,
      groups: [
        [upload(1, 1), upload(1, 4)],
        [upload(10, 1), upload(10, 2, 2)],
        [upload(100, 1), upload(100, 2, 2)],
      ],
      pauses: [0],
    },
  },
};

/** Connections over fast links that are pinged in turn as often as each other one: they show how busy the server is. */
const controls = 10;
/** How long an upload may take beyond the time that it needs. */
const patienceMs = 30_000;

export const slowLink: Fault = {
  name: 'kernel-slow-link',
  about:
    'Records are uploaded over slow links, to a server that is busy after each for less than the timeout',
  layer: 'kernel',
  servers: ['embedded', 'zeo-6.2'],
  missing: missingForSlowLinks,
  async run(options) {
    const size = sizes[options.size][options.server === 'embedded' ? 'embedded' : 'zeo'];
    const results: FaultResult[] = [];
    for (const group of size.groups) results.push(...(await runGroup(options, size, group)));
    return results;
  },
};

/** One link and its upload. */
interface Line {
  readonly upload: Upload;
  readonly link: Link;
  readonly pauseMs: number;
}

async function runGroup(
  { server: kind, progress }: FaultOptions,
  { period, timeout, pauses }: Size,
  uploads: readonly Upload[],
): Promise<FaultResult[]> {
  using rig = new SlowLinks();
  const lines = uploads.flatMap((upload) =>
    pauses.map(
      (pause): Line => ({
        upload,
        link: rig.lay(upload.megabits),
        pauseMs: (pause * timeout * 1000) / upload.records,
      }),
    ),
  );
  const fast = rig.lay().address;
  await using _server = await ServerProcess.start(rig.server, {
    kind,
    pauses: Object.fromEntries(lines.map(({ link, pauseMs }) => [link.clientHost, pauseMs])),
  });
  await using host = await HostProcess.start(rig.client, {
    period,
    timeout,
    watched: lines.map(({ link }) => link.address),
    unwatched: Array.from({ length: controls }, () => fast),
    timeUnwatched: true,
    distinctPorts: true,
  });
  for (const [storage, { upload }] of lines.entries()) {
    host.send({ type: 'upload', storage, records: upload.records, bytes: upload.mebibytes * 2 ** 20 });
  }
  const longestMs = Math.max(...lines.map((line) => leastMs(line)));
  progress(`${lines.length} uploads; the longest takes ${seconds(longestMs)}`);
  await host.meets(() => host.all('uploaded').length >= lines.length, longestMs + patienceMs);
  const { slowestPingsMs, unwatched } = await host.tally();
  // Once before the pause, to accept the record, and once at its end.
  const isTooBusy = Math.max(...pauses) * timeout * 1000 + 2 * unwatched.slowestMs > timeout * 1000;

  return uploads.map((upload): FaultResult => {
    const mine = new Set([...lines.keys()].filter((storage) => lines[storage]?.upload === upload));
    const ended = host.all('uploaded').filter(({ storage }) => mine.has(storage));
    const died = host.all('died').filter(({ storage }) => mine.has(storage));
    const survivors = ended.filter((end) => died.every(({ storage }) => storage !== end.storage));
    const slowestPingMs = Math.max(...[...mine].map((storage) => slowestPingsMs[storage] ?? 0));
    const { records, mebibytes, megabits } = upload;
    const busy = [...new Set(pauses)].map((pause) => (pause * timeout) / records);
    const notes = [
      ...(kind === 'embedded' ? [`the server is busy for ${listed(busy)} s after each record`] : []),
      `the slowest reply to a ping took ${seconds(slowestPingMs)}`,
      `the server replied to others within ${seconds(unwatched.slowestMs)}`,
    ];
    return {
      variant: `${records === 1 ? 'a record' : `${records} records`} of ${mebibytes} MiB at ${megabits} Mbit/s, P = ${period} s, T = ${timeout} s`,
      boundMs: undefined,
      detectedAfterMs: [],
      deathsExpected: 0,
      falseDeaths: host.all('disconnected').filter(({ storage }) => mine.has(storage)).length,
      chances: mine.size,
      callsLost: mine.size - ended.length,
      notes: notes.join('; '),
      missed: died.map(inWords),
      broken: survivors.flatMap((end) => wrongWith(end, lines[end.storage] as Line)),
      ...(isTooBusy ? { tooBusy: `the server took ${seconds(unwatched.slowestMs)} to reply to others` } : {}),
    };
  });
}

/** The shortest time that an upload can take. */
function leastMs({ upload: { megabits, mebibytes, records }, pauseMs }: Line): number {
  // In the pause after a record the system accepts as much of the next one as it has room for.
  return (records * mebibytes * 2 ** 20 * 8) / (megabits * 1000) + pauseMs;
}

function inWords({ diagnosis, witnessed }: Extract<HostEvent, { type: 'died' }>): string {
  return `a healthy server was declared dead: ${diagnosis}, silent for ${seconds(witnessed.silentMs)}`;
}

function wrongWith({ tookMs, error }: Uploaded, line: Line): string[] {
  if (error !== undefined) return [`an upload failed with ${error.code}`];
  // Without the shaping or the pause nothing has been tested.
  const expectedMs = 0.9 * leastMs(line);
  return tookMs < expectedMs
    ? [`an upload took ${seconds(tookMs)}, expected at least ${seconds(expectedMs)}`]
    : [];
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

function listed(numbers: readonly number[]): string {
  const texts = numbers.map((number) => String(Number(number.toFixed(2))));
  const last = texts.pop();
  return texts.length === 0 ? String(last) : `${texts.join(', ')} or ${last}`;
}
