import { setTimeout as sleep } from 'node:timers/promises';
import type { Figure } from '../figure.js';
import { Child, ownProcesses } from '../harness/child.js';
import { summary } from '../harness/repetitions.js';
import { openServer } from '../harness/servers.js';
import type { PingCost, PingerApi, PingerKind } from '../processes/pinger.js';
import type { Scenario } from '../scenario.js';

const kinds: readonly PingerKind[] = ['bare sockets', 'setInterval and getInfo', 'agent'];
const count = 5;
/** What a service would have, and for which an hour is reckoned. */
const realPeriodMs = 10_000;
const periodMs = 1000;
/**
 * V8 interprets its code, however often it has run, and does not collect what the start left behind: it does that some time in the
 * first minute, and with so few pings those collections would cost several times as much as the pings.
 */
const flags = ['--no-opt', '--no-sparkplug', '--no-memory-reducer'];

export const cold: Scenario = {
  name: 'cold',
  title: 'CPU of a ping while the code is cold',
  about:
    `What a service spends that has ${count} connections and pings each every ${realPeriodMs / 1000} s: too seldom for V8 to ` +
    'compile the code, for hours. To have many pings within a minute, the period is 1 s, and V8 is told neither to compile nor ' +
    `to collect garbage just because it is idle (\`${flags.join(' ')}\`). CPU time of the whole process, its worker ` +
    'thread included, divided by the pings. The subjects are those of the scenario *CPU of a ping*. All of them run at the ' +
    'same time, as each is idle for nearly all of it.',
  async run({ quick, progress }) {
    const rounds = quick ? 1 : 5;
    const costs = new Map<PingerKind, PingCost[]>(kinds.map((kind) => [kind, []]));
    for (let round = 1; round <= rounds; round++) {
      progress(`${round} of ${rounds}`);
      await Promise.all(kinds.map(async (kind) => costs.get(kind)?.push(await measure(kind, quick))));
    }
    return kinds.flatMap((kind) => figuresOf(kind, costs));
  },
};

async function measure(kind: PingerKind, quick: boolean): Promise<PingCost> {
  await using server = await openServer('embedded', ownProcesses);
  await using pinger = new Child<PingerApi>(new URL('pinger.js', ownProcesses), flags);
  await pinger.call('open', { kind, address: server.address, count, periodMs });
  await sleep(quick ? 1500 : 5000);
  return await pinger.call('measure', { ms: quick ? 1000 : 15_000 });
}

function figuresOf(subject: PingerKind, costs: ReadonlyMap<PingerKind, readonly PingCost[]>): Figure[] {
  const us = (kind: PingerKind) =>
    summary((costs.get(kind) ?? []).map(({ totalUs, pings }) => totalUs / pings));
  const { value, range } = us(subject);
  const pingsAnHour = (count * 3_600_000) / realPeriodMs;
  const seconds = (ofPing: number) => (ofPing * pingsAnHour) / 1e6;
  const bare = us('bare sockets').value;
  const isBare = subject === 'bare sockets';
  return [
    {
      subject,
      of: 'a ping',
      value,
      range,
      unit: 'µs',
      ...(!isBare && { baseline: { subject: 'bare sockets', value: bare } }),
      ...(subject === 'agent' && { target: { on: 'ratio', atMost: 2 } }),
    },
    {
      subject,
      of: 'an hour',
      value: seconds(value),
      range: [seconds(range[0]), seconds(range[1])],
      unit: 's',
      ...(!isBare && { baseline: { subject: 'bare sockets', value: seconds(bare) } }),
    },
  ];
}
