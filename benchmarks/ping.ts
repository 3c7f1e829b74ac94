import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setInterval } from 'node:timers/promises';
import { KeepAlive, StorageRegistry } from 'zeo-keepalive';
import { ClientStorage } from 'zeo-keepalive/zeo';
import { BareSockets } from './bare-sockets.js';
import type { Figure, Scenario } from './figure.js';

const periodMs = 200;

/** What one ping costs the whole process in CPU time, worker thread included, against bare sockets. */
export const ping: Scenario = {
  name: 'ping',
  about: 'CPU of one ping, the whole process, against bare sockets',
  async run({ quick }) {
    const rounds = quick ? 10 : 50;
    const figures: Figure[] = [];
    for (const count of quick ? [1, 100] : [1, 100, 1000]) {
      const server = fork(new URL('./server-process.js', import.meta.url));
      const [address] = (await once(server, 'message')) as [string];
      const floorUs = await bareCost(address, count, rounds);
      const agentUs = await agentCost(address, count, rounds);
      server.disconnect();
      await once(server, 'exit');
      const baseline = { what: `bare sockets, ${count}`, value: floorUs };
      figures.push({ what: baseline.what, value: floorUs, unit: 'us CPU' });
      figures.push({ what: `agent, ${count} storages`, value: agentUs, unit: 'us CPU', baseline });
    }
    return figures;
  },
};

async function bareCost(address: string, count: number, rounds: number): Promise<number> {
  const sockets = await BareSockets.open(address, count);
  const round = async () => {
    for await (const _ of setInterval(periodMs)) {
      await sockets.pingAll();
      return;
    }
  };
  // The first rounds compile the code.
  for (let i = 0; i < 5; i++) await round();
  const cost = startCounting();
  for (let i = 0; i < rounds; i++) await round();
  const us = cost() / (count * rounds);
  sockets.close();
  return us;
}

async function agentCost(address: string, count: number, rounds: number): Promise<number> {
  const databases = new StorageRegistry();
  for (let i = 0; i < count; i++) {
    databases.open(String(i), await ClientStorage.open({ address }));
  }
  const agent = new KeepAlive({ period: periodMs / 1000, timeout: 5, jitter: 0, level: 'silent' }, databases);
  let answered = 0;
  let failed = 0;
  let wake: (() => void) | undefined;
  let until = Infinity;
  agent.on('pingSucceeded', () => {
    answered += 1;
    if (answered >= until) wake?.();
  });
  agent.on('pingFailed', () => {
    failed += 1;
  });
  const pings = (number: number) => {
    until = answered + number;
    return new Promise<void>((resolve) => {
      wake = resolve;
    });
  };
  agent.start();
  await pings(5 * count);
  const before = answered;
  const cost = startCounting();
  await pings(rounds * count);
  const us = cost() / (answered - before);
  await agent.stop();
  await Promise.all([...databases.opened.keys()].map((name) => databases.close(name)));
  if (failed > 0) throw new Error(`${failed} pings failed`);
  return us;
}

/** Returns how to learn the CPU time, in microseconds, of the whole process since the call. */
function startCounting(): () => number {
  const start = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(start);
    return user + system;
  };
}
