import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { adaptedNames, type ClientName, clientKinds } from '../socket-lab/clients/all.js';
import { falseDrops, type Ordeal, type Stall, stand, waitFor } from '../socket-lab/false-drops.js';
import { type Drop, silentDrop } from '../socket-lab/silent-drop.js';
import { missingForSockets, period, SocketLab, timeout } from '../socket-lab/socket-lab.js';
import { summary, turningMs } from '../socket-lab/summary.js';
import { type BusyMachine, unlessTooBusy } from '../support/machine-lateness.js';
import { isPingedInCall } from './rows.js';
import { stopServers } from './stopped.js';

const servers = ['postgresql', 'mariadb', 'redis', 'rabbitmq', 'mosquitto', 'nats'] as const;
const hangTimeout = 1;

/** Each is found within the bound, its caller hears of it, and those that reconnect do. */
function assertFound(t: TestContext, machine: BusyMachine, drops: readonly Drop[], boundMs: number): void {
  for (const line of summary(drops)) t.diagnostic(line);
  for (const drop of drops) {
    const which = JSON.stringify(drop);
    assert.ok(drop.foundMs !== undefined, which);
    const isInTime = (turningMs(drop) as number) <= boundMs + machine.allowanceMs;
    machine.inTime(() => assert.ok(isInTime, `${which}; bound ${boundMs} ms`));
    assert.ok(drop.heardMs !== undefined, `${which}; its caller did not hear of it`);
    if (clientKinds[drop.name].reconnects) assert.ok(drop.backMs !== undefined, `${which}; it is not back`);
  }
}

describe('Clients with an adapter', { skip: missingForSockets(servers), timeout: 150_000 }, () => {
  let lab: SocketLab;
  before(async () => {
    lab = await SocketLab.start(servers);
  });
  after(() => lab?.[Symbol.asyncDispose]());

  it('are found dead within the bound when their path is cut', (t) =>
    unlessTooBusy(t, async (machine) => {
      await using app = await lab.startApp({ watched: 'registry' });
      const options = { phases: 1, states: ['idle', 'in flight'], setup: 'adapter' } as const;
      const drops = await silentDrop(lab, app, { clients: adaptedNames, ...options });
      assertFound(t, machine, drops, (period + timeout + 1) * 1000);
    }));

  it('are found dead within the bound when the processes of their server are stopped', (t) =>
    unlessTooBusy(t, async (machine) => {
      const times = { period, timeout, hangTimeout };
      await using app = await lab.startApp({ watched: 'registry', times });
      const options = { clients: adaptedNames, setup: 'adapter', patienceMs: 15_000 } as const;
      const drops = await stopServers(lab, [app], options);
      const promised = drops.filter(({ name, state }) => state !== 'in flight' || isPingedInCall(name));
      assertFound(t, machine, promised, (period + hangTimeout + 1) * 1000);
    }));

  it('live through calls, transactions and a script that take long, and stalls amid them', (t) =>
    unlessTooBusy(t, async (machine) => {
      const names: readonly ClientName[] = [
        ...adaptedNames,
        'pg Pool in a transaction',
        'pg Client in a transaction',
        'mysql2 pool in a transaction',
        'ioredis with a script',
      ];
      const stalls: readonly Stall[] = [
        { by: 'blocked', ms: 1500 },
        { by: 'SIGSTOP', ms: 1500 },
      ];
      const ordeal: Ordeal = async (...taking) => {
        await Promise.all([waitFor(2.5)(...taking), stand(stalls)(...taking)]);
        return {};
      };
      const outcome = await falseDrops(lab, names, ordeal, { setup: 'adapter' });
      const { dropped, lost, failedCalls, stillWatches } = outcome;
      machine.inTime(() => assert.equal(dropped, 0, JSON.stringify(outcome)));
      // The clients lose what the agent drops, and the calls on it.
      if (dropped === 0) assert.deepEqual([lost, failedCalls], [0, 0], JSON.stringify(outcome));
      assert.ok(stillWatches, 'a dead connection was not found afterwards');
    }));
});
