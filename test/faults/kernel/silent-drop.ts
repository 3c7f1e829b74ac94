import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '#src/async/clock.js';
import type { Fault, FaultOptions, FaultResult } from '../fault.js';
import { countsOf } from './counts.js';
import { type Direction, directions } from './networks/cut.js';
import { missingForKernelFaults } from './networks/missing.js';
import { TwoHosts } from './networks/two-hosts.js';
import { HostProcess, type Loaded, waitTimeout } from './processes/host-process.js';
import { ServerProcess } from './processes/server-process.js';

/** One run: in seconds, but for the bound. */
interface Round {
  readonly period: number;
  readonly timeout: number;
  readonly boundMs: number;
  /** Connections for each direction. */
  readonly count: number;
}

const rounds: Readonly<Record<FaultOptions['size'], readonly Round[]>> = {
  scaled: [{ period: 0.5, timeout: 0.5, boundMs: 2000, count: 8 }],
  full: [
    { period: 10, timeout: 2, boundMs: 13_000, count: 100 },
    { period: 1, timeout: 1, boundMs: 2500, count: 100 },
  ],
};

/** How long after the bound a death is still waited for, so that the table shows how late it was. */
const patienceMs = 5000;
/** Long enough that setting one rule does not delay the next. */
const betweenCutsMs = 20;

export const silentDrop: Fault = {
  name: 'kernel-silent-drop',
  about: 'From a random moment on, every packet of an idle connection is lost',
  layer: 'kernel',
  servers: ['embedded', 'zeo-6.2'],
  missing: missingForKernelFaults,
  run: (options) => runRounds(options, false),
};

export const silentDropInCall: Fault = {
  name: 'kernel-silent-drop-in-call',
  about: 'The same while the application holds the load lock in a call that hangs',
  layer: 'kernel',
  servers: ['embedded', 'zeo-6.2'],
  missing: missingForKernelFaults,
  run: (options) => runRounds(options, true),
};

async function runRounds(options: FaultOptions, inCall: boolean): Promise<FaultResult[]> {
  const results: FaultResult[] = [];
  for (const round of rounds[options.size]) results.push(...(await runRound(options, round, inCall)));
  return results;
}

interface Cut {
  readonly storage: number;
  readonly direction: Direction;
  readonly afterMs: number;
}

/** A random moment for each storage, with the directions in turn; sorted by time. */
function drawCuts(count: number, spreadMs: number): Cut[] {
  const cuts = Array.from({ length: count }, (_, storage) => ({
    storage,
    direction: directions[storage % directions.length] as Direction,
    afterMs: Math.random() * spreadMs,
  }));
  return cuts.sort((one, other) => one.afterMs - other.afterMs);
}

async function runRound(options: FaultOptions, round: Round, inCall: boolean): Promise<FaultResult[]> {
  const { period, timeout, boundMs, count } = round;
  using rig = new TwoHosts();
  await using _server = await ServerProcess.start(rig.server, { kind: options.server });
  const total = count * directions.length;
  const addresses = rig.addresses(total + 2 * directions.length);
  const watched = addresses.slice(0, total);
  const unwatched = addresses.slice(total, total + directions.length);
  const sockets = addresses.slice(total + directions.length);
  await using host = await HostProcess.start(rig.client, { period, timeout, watched, unwatched, sockets });

  // Unwatched connections are cut off first: if they notice nothing, packets are indeed lost silently.
  const controlsMs = systemClock.now();
  for (const [index, direction] of directions.entries()) {
    rig.cut(unwatched[index] as string, direction);
    rig.cut(sockets[index] as string, direction);
  }
  const cuts = drawCuts(total, Math.max(period * 1000, total * betweenCutsMs));
  const cutAtMs = new Map<number, number>();
  const startMs = systemClock.now();
  for (const { storage, direction, afterMs } of cuts) {
    await sleep(Math.max(0, startMs + afterMs - systemClock.now()));
    cutAtMs.set(storage, rig.cut(watched[storage] as string, direction));
    if (inCall) host.send({ type: 'load', storage });
  }
  options.progress(`${total} connections cut off, period ${period} s, timeout ${timeout} s`);
  await host.meets(() => host.all('died').length >= total, boundMs + patienceMs);
  // Calls in flight end with their connection. A call made while a ping held the lock waits for another connection.
  if (inCall) await host.meets(() => host.all('loaded').length >= total, (waitTimeout + 1) * 1000);

  if (host.all('unwatchedLost').length > 0) {
    throw new Error('An unwatched connection was lost: packets are not dropped silently here');
  }
  const forS = ((systemClock.now() - controlsMs) / 1000).toFixed(0);
  const stalls = host.all('stalled').length;
  return directions.map((direction) => {
    const mine = new Set(cuts.filter((cut) => cut.direction === direction).map(({ storage }) => storage));
    const died = host.all('died').filter(({ storage }) => mine.has(storage));
    const loads = host.all('loaded').filter(({ storage }) => mine.has(storage));
    const afterMs = died.map(({ storage, atMs }) =>
      host.noticedAfterMs(cutAtMs.get(storage) ?? Infinity, atMs),
    );
    const notes = [
      `diagnoses: ${countsOf(died.map(({ diagnosis }) => diagnosis))}`,
      `without the agent, a storage and a bare socket noticed nothing in ${forS} s`,
      ...(stalls > 0 ? [`the main loop was blocked ${stalls} times`] : []),
    ];
    return {
      variant: `${direction}, P = ${period} s, T = ${timeout} s`,
      boundMs,
      detectedAfterMs: afterMs.filter((ms) => ms >= 0),
      deathsExpected: count,
      falseDeaths: afterMs.filter((ms) => ms < 0).length,
      chances: count,
      callsLost: inCall ? count - loads.length : 0,
      notes: notes.join('; '),
      broken: loads.flatMap(wrongWith),
    };
  });
}

/** Faults in how a hung call ended, as an application would see them. */
function wrongWith({ error }: Loaded): string[] {
  if (error === undefined) return ['a call on a connection that was cut off was answered'];
  return error.retryable ? [] : [`a call that hung failed with ${error.code}, which is not retryable`];
}
