import { sleep } from '../../support/turning-clock.js';
import type { Fault } from '../fault.js';
import { inLabs, resultOf } from '../lab/lab.js';

export const trickle: Fault = {
  name: 'trickle',
  about: 'Replies arrive one byte at a time, which counts as life, and then stop',
  layer: 'relay',
  servers: ['embedded', 'zeo-6.2'],
  run(options) {
    const scale =
      options.size === 'full'
        ? { period: 2, timeout: 2, count: 100, rounds: 10 }
        : { period: 1.5, timeout: 1.5, count: 20, rounds: 1 };
    return inLabs(options, [{ ...scale, agent: { jitter: 0 } }], async (lab, { period, timeout, rounds }) => {
      for (const subject of lab.subjects) {
        const connection = subject.relay.current;
        // Two bytes per timeout: a whole reply takes minutes, and each ping adds another.
        if (connection !== undefined)
          connection.toClient.manner = { kind: 'trickle', everyMs: lab.timeoutMs / 2 };
      }
      options.progress(`${rounds} periods and timeouts of trickling`);
      await sleep(rounds * (lab.periodMs + lab.timeoutMs));
      await lab.atRandomPhases((subject) => {
        // A connection that was lost before is a false death, and must not be waited for.
        if (subject.losses.length === 0) subject.strike((connection) => connection.silence());
      });
      await lab.lost();
      await lab.recovered();
      return [resultOf(`P ${period} s, T ${timeout} s`, lab.subjects, { boundMs: lab.boundMs, deaths: 1 })];
    });
  },
};
