import { serverKinds } from '../../support/servers.js';
import { sleep } from '../../support/turning-clock.js';
import type { Fault } from '../fault.js';
import { inLabs, resultOf } from '../lab/lab.js';

const root = new Uint8Array(8);

export const serverStopped: Fault = {
  name: 'server-stopped',
  about: 'SIGSTOP to the server, then SIGCONT: its kernel acknowledges everything, but no reply comes',
  layer: 'process',
  servers: serverKinds,
  run(options) {
    const scales =
      options.size === 'full'
        ? [
            { period: 1, timeout: 1, count: 200, rounds: 5 },
            { period: 10, timeout: 2, count: 200, rounds: 1 },
          ]
        : [{ period: 1, timeout: 1, count: 40, rounds: 1 }];
    return inLabs(options, scales, async (lab, { period, timeout, rounds }, server) => {
      for (let i = 1; i <= rounds; i++) {
        options.progress(`Round ${i} of ${rounds}`);
        await sleep(Math.random() * lab.periodMs);
        server.signal('SIGSTOP');
        for (const subject of lab.subjects) {
          subject.doom();
          void lab.calls.watch(subject.storage.load(root));
        }
        await lab.lost();
        server.signal('SIGCONT');
        await lab.callsEnded();
        await lab.recovered();
      }
      const variant = `P ${period} s, T ${timeout} s`;
      const expected = { boundMs: lab.boundMs, deaths: rounds };
      return [resultOf(variant, lab.subjects, expected, lab.calls)];
    });
  },
};

export const serverKilled: Fault = {
  name: 'server-killed',
  about: 'SIGKILL to the server with calls under way, and a new server on its port',
  layer: 'process',
  servers: serverKinds,
  run(options) {
    const scale =
      options.size === 'full'
        ? { period: 2, timeout: 2, count: 200, rounds: 5 }
        : { period: 0.5, timeout: 0.5, count: 30, rounds: 1 };
    return inLabs(options, [scale], async (lab, { period, timeout, rounds }, server) => {
      for (let i = 0; i < rounds; i++) {
        for (const subject of lab.subjects) {
          void lab.calls.watch(subject.storage.load(root));
          subject.doom();
          void lab.calls.watch(subject.storage.getInfo());
        }
        await server.kill();
        await lab.lost();
        for (const { storage } of lab.subjects) void lab.calls.watch(storage.load(root));
        await server.start();
        await lab.recovered();
        await lab.callsEnded();
      }
      const expected = { boundMs: lab.boundMs, deaths: rounds, by: 'itself' } as const;
      return [resultOf(`P ${period} s, T ${timeout} s`, lab.subjects, expected, lab.calls)];
    });
  },
};
