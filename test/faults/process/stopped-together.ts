import { sleep } from '../../support/turning-clock.js';
import type { Fault, FaultResult } from '../fault.js';
import { Host } from './host/host.js';
import { latePeers } from './late-peers.js';

/** As when a machine, or a whole rack of virtual machines, is suspended and resumed. */
export const bothStopped: Fault = {
  name: 'both-stopped',
  about: 'SIGSTOP to host and server, then SIGCONT to both: no connection is dead',
  layer: 'process',
  servers: ['embedded'],
  async run({ size, progress }) {
    const { count, stops, lengths } =
      size === 'full'
        ? { count: 200, stops: 10, lengths: [1.5, 6] }
        : { count: 40, stops: 4, lengths: [1.5] };
    // So late that pings are out at about every other stop.
    await using peers = await latePeers(count, 500);
    await using host = await Host.start({ addresses: peers.addresses, period: 1, timeout: 1 });
    const results: FaultResult[] = [];
    for (const seconds of lengths) {
      const lostBefore = host.losses.length;
      for (let i = 0; i < stops; i++) {
        await sleep(700 + Math.random() * 1000);
        peers.server.signal('SIGSTOP');
        host.signal('SIGSTOP');
        await sleep(seconds * 1000);
        // Either may be resumed first, but the other one shortly afterwards.
        const [first, second] = i % 2 === 0 ? [host, peers.server] : [peers.server, host];
        first.signal('SIGCONT');
        await sleep(100);
        second.signal('SIGCONT');
      }
      await sleep(3000);
      progress(`${stops} stops for ${seconds} s`);
      const lost = host.losses.slice(lostBefore);
      results.push({
        variant: `for ${seconds} s`,
        boundMs: undefined,
        detectedAfterMs: [],
        deathsExpected: 0,
        falseDeaths: lost.length,
        chances: count * stops,
        callsLost: 0,
        missed: lost.slice(0, 1).map(({ message }) => message),
      });
    }
    return results;
  },
};
