import { sleep } from '../../support/turning-clock.js';
import type { Fault } from '../fault.js';
import { inLabs, resultOf } from '../lab/lab.js';

export const muteServer: Fault = {
  name: 'mute-server',
  about: 'After a silent drop the server accepts connections but stays mute for a while',
  layer: 'relay',
  servers: ['embedded', 'zeo-6.2'],
  run(options) {
    const scale =
      options.size === 'full'
        ? { period: 2, timeout: 1, count: 100, muteMs: 20_000 }
        : { period: 0.5, timeout: 0.5, count: 20, muteMs: 1500 };
    const connectTimeout = 0.5;
    return inLabs(
      options,
      [{ ...scale, client: { connectTimeout } }],
      async (lab, { period, timeout, count, muteMs }) => {
        await lab.atRandomPhases((subject) => {
          subject.relay.welcome = { kind: 'mute' };
          subject.strike((connection) => connection.silence());
          // Calls made while it is down, or about to be: they wait until the server replies again, or fail.
          void lab.calls.watch(subject.storage.load(new Uint8Array(8)));
        });
        await lab.lost();
        options.progress(`${count} connections found dead; the server stays mute for ${muteMs} ms`);
        await sleep(muteMs);
        for (const subject of lab.subjects) subject.relay.welcome = { kind: 'relayed' };
        // An attempt that hangs, the longest delay, and a good attempt; the rest is for a slow machine.
        const recovered = lab.recovered(lab.subjects, 2 * connectTimeout * 1000 + 200 + 3000);
        const late = await recovered.then(
          () => undefined,
          (error: Error) => error.message,
        );
        await lab.callsEnded();
        const attempts = Math.max(...lab.subjects.map(({ relay }) => relay.accepted));
        const variant = `P ${period} s, T ${timeout} s, mute for ${muteMs / 1000} s`;
        const expected = { boundMs: lab.boundMs, deaths: 1 };
        const result = resultOf(variant, lab.subjects, expected, lab.calls);
        return [
          {
            ...result,
            notes: `up to ${attempts} connections per storage; all calls made meanwhile ended`,
            ...(late === undefined ? {} : { broken: [...(result.broken ?? []), late] }),
          },
        ];
      },
    );
  },
};
