import { Relay } from '../../../dist/test/support/relay.js';
import type { Figure } from '../figure.js';
import { Child } from '../harness/child.js';
import { quantile } from '../harness/repetitions.js';
import { openServer } from '../harness/servers.js';
import type { ReconnecterApi } from '../processes/reconnecter.js';
import type { Scenario } from '../scenario.js';

export const reconnect: Scenario = {
  name: 'reconnect',
  title: 'From a verdict to a new connection',
  about:
    'Connections to a local server go silent in a relay; each is declared dead (period 1 s, timeout 1 s), and the storage ' +
    'reconnects: the time from the verdict until it is ready again. For comparison, how long a first connection takes. There are ' +
    'few storages, so that reconnects are not spread on purpose, and new ones each time, because a storage that soon loses its connection again waits longer.',
  async run({ quick, progress }) {
    const [count, rounds] = quick ? [5, 2] : [20, 15];
    await using server = await openServer();
    await using relay = await Relay.listen(server.address);
    await using child = new Child<ReconnecterApi>(new URL('../processes/reconnecter.js', import.meta.url));
    const openedMs: number[] = [];
    const backMs: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      progress(`${round} of ${rounds}`);
      openedMs.push(...(await child.call('open', { address: relay.address, count })));
      for (const connection of relay.connections) connection.silence();
      backMs.push(...(await child.call('allBack', undefined)));
    }
    return [
      ['median', 0.5],
      ['p99', 0.99],
    ].flatMap(([of, share]): Figure[] => {
      const opened = quantile(openedMs, share as number);
      return [
        { subject: 'first connection', of: String(of), value: opened, unit: 'ms' },
        {
          subject: 'verdict to ready',
          of: String(of),
          value: quantile(backMs, share as number),
          unit: 'ms',
          baseline: { subject: 'first connection', value: opened },
        },
      ];
    });
  },
};
