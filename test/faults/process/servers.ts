import { serverKinds, startServer } from '../../support/servers.js';
import { sleep } from '../../support/turning-clock.js';
import type { Fault } from '../fault.js';
import { Lab, resultOf } from '../lab/lab.js';

const root = new Uint8Array(8);

export const serverStopped: Fault = {
  name: 'server-stopped',
  about: 'SIGSTOP to the server, then SIGCONT: its kernel acknowledges everything, and nobody answers',
  layer: 'process',
  servers: serverKinds,
  async run({ size, server: kind, progress }) {
    const sizes =
      size === 'full'
        ? [
            { period: 1, timeout: 1, count: 200, rounds: 5 },
            { period: 10, timeout: 2, count: 200, rounds: 1 },
          ]
        : [{ period: 1, timeout: 1, count: 40, rounds: 1 }];
    await using server = await startServer(kind);
    const results = [];
    for (const { period, timeout, count, rounds } of sizes) {
      await using lab = await Lab.open({ server: server.address, count, period, timeout });
      for (let i = 1; i <= rounds; i++) {
        progress(`P ${period} s, T ${timeout} s: round ${i} of ${rounds}`);
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
      results.push(resultOf(variant, lab.subjects, expected, lab.calls));
    }
    return results;
  },
};

export const serverKilled: Fault = {
  name: 'server-killed',
  about: 'kill -9 of the server with calls under way, and a new one on its port',
  layer: 'process',
  servers: serverKinds,
  async run({ size, server: kind }) {
    const { period, timeout, count, rounds } =
      size === 'full'
        ? { period: 2, timeout: 2, count: 200, rounds: 5 }
        : { period: 0.5, timeout: 0.5, count: 30, rounds: 1 };
    await using server = await startServer(kind);
    await using lab = await Lab.open({ server: server.address, count, period, timeout });
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
  },
};
