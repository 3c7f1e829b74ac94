// Guards, each with an agent of its own. Run by GuardsProcess.
import { Guard } from '#src/guard/guard.js';
import { parseAddress } from '#src/zeo/connection/address.js';
import { sleep } from '../support/turning-clock.js';
import type { GuardsConfig, GuardsEvent } from './guards-process.js';

const { listens, servers, period, timeout } = JSON.parse(process.argv[2] as string) as GuardsConfig;
const report = (event: GuardsEvent) => process.connected && process.send?.(event);

const end = () => process.exit();
process.on('disconnect', end);
if (!process.connected) end();

async function start(listen: string): Promise<void> {
  const route = { listen: parseAddress(listen), servers: servers.map(parseAddress) };
  const guard = new Guard([route], { period, timeout, level: 'silent' });
  guard.agent.on('connectionDied', ({ address = '', diagnosis }) =>
    report({ type: 'died', server: address, diagnosis }),
  );
  // So that they do not all ping at the same moment.
  if (listens.length > 1) await sleep(Math.random() * period * 1000);
  await guard.start();
}

await Promise.all(listens.map(start));
report({ type: 'ready', pid: process.pid });
