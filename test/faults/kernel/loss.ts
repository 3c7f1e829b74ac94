import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, FaultOptions, FaultResult } from '../fault.js';
import { missingForKernelFaults } from './networks/missing.js';
import { TwoHosts } from './networks/two-hosts.js';
import { type HostEvent, HostProcess } from './processes/host-process.js';
import { ServerProcess } from './processes/server-process.js';

const timeout = 2;

/** `count` storages that the agent watches, and as many that it does not, until `pings` pings were sent. */
const sizes = {
  scaled: { period: 0.5, count: 80, pings: 400 },
  full: { period: 1, count: 500, pings: 30_000 },
} as const;

/** At 1 % a reply that takes longer than the timeout is so rare that every death counts as a false one. */
const rates = [
  { percent: 1, mayDie: false },
  { percent: 10, mayDie: true },
] as const;

export const packetLoss: Fault = {
  name: 'kernel-loss',
  about: 'Packets are lost at random in both directions; no connection dies whose replies come in time',
  layer: 'kernel',
  servers: ['embedded', 'zeo-6.2'],
  missing: missingForKernelFaults,
  run: (options) => Promise.all(rates.map((rate) => loseSome(options, rate))),
};

async function loseSome(
  { size, server: kind, progress }: FaultOptions,
  { percent, mayDie }: (typeof rates)[number],
): Promise<FaultResult> {
  const { period, count, pings } = sizes[size];
  using rig = new TwoHosts();
  await using _server = await ServerProcess.start(rig.server, { kind });
  const addresses = rig.addresses(2 * count);
  await using host = await HostProcess.start(rig.client, {
    period,
    timeout,
    watched: addresses.slice(0, count),
    unwatched: addresses.slice(count),
    timeUnwatched: true,
    witnessesAskKernel: true,
  });
  rig.lose(percent / 100);
  let tally = await host.tally();
  while (tally.sent < pings) {
    await sleep(period * 1000);
    tally = await host.tally();
    progress(`${percent} % loss: ${tally.sent} of ${pings} pings`);
  }
  // The last pings have yet to be answered, or to end in a death.
  await sleep((timeout + 1) * 1000);
  tally = await host.tally();

  const died = host.all('died');
  const wronged = died.filter(
    ({ witnessed: { silentMs, unreadBytes } }) => silentMs < timeout * 1000 - 1 || unreadBytes > 0,
  );
  const seen = wrongedInWords(mayDie ? wronged : died);
  const { unwatched } = tally;
  const late = `${unwatched.late} of ${unwatched.answered} replies to unwatched pings took longer than that`;
  const slowest = `slowest ${seconds(unwatched.slowestMs)}`;
  return {
    variant: `${percent} %, P = ${period} s, T = ${timeout} s`,
    boundMs: undefined,
    detectedAfterMs: [],
    deathsExpected: 0,
    falseDeaths: (mayDie ? wronged : died).length,
    chances: tally.sent,
    callsLost: 0,
    notes: `${died.length} connections silent for ${timeout} s and dropped; ${late}, ${slowest}; ${tally.failed} pings failed for other reasons${seen}`,
  };
}

/** What is known about each false death. */
function wrongedInWords(deaths: readonly Extract<HostEvent, { type: 'died' }>[]): string {
  return deaths
    .map(({ storage, diagnosis, witnessed: { silentMs, unreadBytes } }) => {
      const unread = `${unreadBytes} bytes unread`;
      return `; storage ${storage} falsely: ${diagnosis}, silent for ${seconds(silentMs)}, ${unread}`;
    })
    .join('');
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
