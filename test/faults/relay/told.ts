import type { RelayedConnection } from '../../support/relay.js';
import type { Fault } from '../fault.js';
import { inLabs, resultOf } from '../lab/lab.js';

/**
 * Faults that the connection itself reports. `any`: some servers do, others go silent.
 */
function toldFault(
  name: string,
  about: string,
  by: 'itself' | 'any',
  fault: (connection: RelayedConnection) => void,
): Fault {
  return {
    name,
    about,
    layer: 'relay',
    servers: ['embedded', 'zeo-6.2'],
    run(options) {
      const scale =
        options.size === 'full'
          ? { period: 2, timeout: 2, count: 100, rounds: 10 }
          : { period: 0.5, timeout: 0.5, count: 20, rounds: 2 };
      return inLabs(options, [scale], async (lab, { period, timeout, rounds }) => {
        for (let i = 0; i < rounds; i++) {
          await lab.atRandomPhases((subject) => {
            void lab.calls.watch(subject.storage.getInfo());
            subject.strike(fault);
            void lab.calls.watch(subject.storage.load(new Uint8Array(8)));
          });
          await lab.lost();
          await lab.recovered();
        }
        await lab.callsEnded();
        const expected = { boundMs: lab.boundMs, deaths: rounds, by };
        return [resultOf(`P ${period} s, T ${timeout} s`, lab.subjects, expected, lab.calls)];
      });
    },
  };
}

export const toldFaults: readonly Fault[] = [
  toldFault('reset', 'RST to both ends, with calls under way', 'itself', (connection) => connection.reset()),
  toldFault('half-close', 'The server’s side sends FIN and goes on reading', 'itself', (connection) =>
    connection.halfClose(),
  ),
  toldFault('corrupt-to-client', 'The server’s bytes arrive corrupted', 'itself', ({ toClient }) => {
    toClient.manner = { kind: 'corrupt' };
  }),
  toldFault('corrupt-to-server', 'The client’s bytes arrive corrupted', 'any', ({ toServer }) => {
    toServer.manner = { kind: 'corrupt' };
  }),
];
