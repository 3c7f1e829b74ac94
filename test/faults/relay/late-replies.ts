import { sleep } from '../../support/turning-clock.js';
import type { Fault } from '../fault.js';
import { inLabs, resultOf } from '../lab/lab.js';

export const lateReplies: Fault = {
  name: 'late-replies',
  about: 'Every reply takes almost the whole timeout, and no connection is declared dead',
  layer: 'relay',
  servers: ['embedded', 'zeo-6.2'],
  run(options) {
    // The rest of the timeout is left for the machine: relay and client share this process.
    const scale =
      options.size === 'full'
        ? { period: 2.5, timeout: 2, count: 100, delayMs: 1800, pings: 40 }
        : { period: 1, timeout: 1, count: 20, delayMs: 650, pings: 3 };
    return inLabs(options, [scale], async (lab, { timeout, count, delayMs, pings }) => {
      for (const { relay } of lab.subjects) {
        const connection = relay.current;
        if (connection !== undefined) connection.toClient.manner = { kind: 'delay', ms: delayMs };
      }
      let answered = 0;
      lab.agent.on('pingSucceeded', () => {
        answered += 1;
      });
      options.progress(`${pings} periods of late replies`);
      await sleep(pings * lab.periodMs + lab.timeoutMs + 1000);
      const result = resultOf(`replies after ${delayMs / 1000} s, T ${timeout} s`, lab.subjects, {
        boundMs: undefined,
        deaths: 0,
      });
      const broken = answered < count * pings ? [`only ${answered} pings were answered`] : [];
      return [{ ...result, chances: answered, broken: [...(result.broken ?? []), ...broken] }];
    });
  },
};
