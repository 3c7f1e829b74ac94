import { systemClock } from '#src/async/clock.js';
import { sleep, until } from '../../support/turning-clock.js';
import type { Fault, FaultOptions, FaultResult } from '../fault.js';
import { countsOf } from './counts.js';
import { missingForSlowLinks } from './networks/missing.js';
import { SlowLinks } from './networks/slow-links.js';
import { HostProcess, type Uploaded } from './processes/host-process.js';
import { ReceivedWatch, receivedBytes } from './processes/received-watch.js';
import { ServerProcess } from './processes/server-process.js';
import { inRounds } from './rounds.js';

/** The fault comes before the middle of each. */
const links = [
  { megabits: 1, mebibytes: 2 },
  { megabits: 10, mebibytes: 16 },
  { megabits: 100, mebibytes: 40 },
] as const;

/** In seconds, but for how many links of each rate there are, and how often it is done. */
const sizes = {
  scaled: { period: 0.5, timeout: 1, count: 2, rounds: 1 },
  full: { period: 1, timeout: 3, count: 4, rounds: 5 },
} as const;

const ways = ['every packet dropped', 'the server stopped'] as const;
type Way = (typeof ways)[number];

/**
 * How long after the bound a death is still waited for: longer than any upload takes, all of which the system of a stopped server
 * may accept.
 */
const patienceMs = 20_000;
/** More than any link carries before its upload. */
const underWayBytes = 20_000;
/** The fault comes when every upload has been under way for this long, and up to a period later. */
const underWayMs = 500;

/**
 * On a dropped path the proof is in the retransmissions. A stopped server cannot be noticed while its system still accepts
 * bytes, into a buffer of megabytes; so its time counts from the last byte accepted.
 */
export const deathInUpload: Fault = {
  name: 'kernel-death-in-upload',
  about: 'The path or the server dies in the middle of an upload over a slow link',
  layer: 'kernel',
  servers: ['embedded', 'zeo-6.2'],
  missing: missingForSlowLinks,
  async run(options) {
    const results = await Promise.all(ways.map((way) => runRounds(options, way)));
    return results.flat();
  },
};

/** The outcome of the upload over one link. */
interface Outcome {
  readonly megabits: number;
  /** `undefined`: the death was not found. */
  readonly foundAfterMs: number | undefined;
  /** How long after the fault bytes were still acknowledged. */
  readonly takenForMs: number;
  readonly diagnosis: string | undefined;
  /** `undefined`: the upload is still open. */
  readonly uploaded: Uploaded | undefined;
}

async function runRounds(options: FaultOptions, way: Way): Promise<FaultResult[]> {
  const { period, timeout, count, rounds } = sizes[options.size];
  const outcomes = (await inRounds(options, rounds, way, () => runRound(options, way))).flat();
  return links.map(({ megabits, mebibytes }): FaultResult => {
    const mine = outcomes.filter((outcome) => outcome.megabits === megabits);
    const foundAfterMs = mine.flatMap((outcome) => outcome.foundAfterMs ?? []);
    const takenForMs = Math.max(...mine.map((outcome) => outcome.takenForMs));
    const notes = [
      `${mebibytes} MiB`,
      `diagnoses: ${countsOf(mine.flatMap(({ diagnosis }) => diagnosis ?? []))}`,
      ...(way === 'the server stopped'
        ? [
            `counted from the last byte acknowledged, up to ${(takenForMs / 1000).toFixed(2)} s after the stop`,
          ]
        : []),
    ];
    return {
      variant: `${way}, ${megabits} Mbit/s, P = ${period} s, T = ${timeout} s`,
      boundMs: (period + timeout + 1) * 1000,
      detectedAfterMs: foundAfterMs.filter((ms) => ms >= 0),
      deathsExpected: count * rounds,
      falseDeaths: foundAfterMs.filter((ms) => ms < 0).length,
      chances: count * rounds,
      callsLost: mine.filter(({ uploaded }) => uploaded === undefined).length,
      notes: notes.join('; '),
      broken: mine.flatMap(({ uploaded }) => (uploaded === undefined ? [] : wrongWith(uploaded))),
    };
  });
}

async function runRound({ size, server: kind }: FaultOptions, way: Way): Promise<Outcome[]> {
  const { period, timeout, count } = sizes[size];
  const boundMs = (period + timeout + 1) * 1000;
  using rig = new SlowLinks();
  const lines = links.flatMap((each) =>
    Array.from({ length: count }, () => ({ ...each, link: rig.lay(each.megabits) })),
  );
  await using server = await ServerProcess.start(rig.server, { kind });
  const watched = lines.map(({ link }) => link.address);
  await using host = await HostProcess.start(rig.client, { period, timeout, watched, distinctPorts: true });
  for (const [storage, { mebibytes }] of lines.entries()) {
    host.send({ type: 'upload', storage, records: 1, bytes: mebibytes * 2 ** 20 });
  }
  const isUnderWay = () => {
    const received = receivedBytes(server.pid);
    return lines.every(({ link }) => (received.get(link.card) ?? 0) > underWayBytes);
  };
  await until(isUnderWay, patienceMs, 'every upload is under way');
  await sleep(underWayMs + Math.random() * period * 1000);

  const faultMs = systemClock.now();
  if (way === 'the server stopped') server.signal('SIGSTOP');
  else for (const { link } of lines) rig.cut(link);
  using received = new ReceivedWatch(server.pid);
  const ended = () => host.all('died').length >= lines.length && host.all('uploaded').length >= lines.length;
  await host.meets(ended, boundMs + patienceMs);
  if (way === 'the server stopped') server.signal('SIGCONT');

  const foundAfterMs = (diedMs: number, lastMs: number) => {
    const afterMs = host.noticedAfterMs(faultMs, diedMs);
    if (afterMs < 0 || way !== 'the server stopped') return afterMs;
    // The last bytes may come from a probe of a window that was already closed.
    return Math.max(0, host.noticedAfterMs(lastMs, diedMs));
  };
  return lines.map(({ megabits, link }, storage): Outcome => {
    const died = host.all('died').find((event) => event.storage === storage);
    const lastMs = Math.max(faultMs, received.lastFrom(link.clientHost) ?? 0);
    return {
      megabits,
      foundAfterMs: died && foundAfterMs(died.atMs, lastMs),
      takenForMs: lastMs - faultMs,
      diagnosis: died?.diagnosis,
      uploaded: host.all('uploaded').find((event) => event.storage === storage),
    };
  });
}

/** Faults in how an upload to a dead server ended, as an application would see them. */
function wrongWith({ error }: Uploaded): string[] {
  if (error === undefined) return ['an upload to a server that died was committed'];
  return error.retryable ? [] : [`an upload failed with ${error.code}, which is not retryable`];
}
