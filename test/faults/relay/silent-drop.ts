import type { RelayedConnection } from '../../support/relay.js';
import { serverKinds } from '../../support/servers.js';
import type { Fault, FaultOptions } from '../fault.js';
import { inLabs, type Lab, type LabScale, resultOf } from '../lab/lab.js';

const directions: Readonly<Record<string, (connection: RelayedConnection) => void>> = {
  'both ways': (connection) => connection.silence(),
  'to the server': ({ toServer }) => {
    toServer.manner = { kind: 'swallow' };
  },
  'to the client': ({ toClient }) => {
    toClient.manner = { kind: 'swallow' };
  },
};

interface Scale extends LabScale {
  readonly rounds: number;
  /** Stricter than the bound that the agent publishes. */
  readonly boundMs: number;
}

const scales: Readonly<Record<FaultOptions['size'], readonly Scale[]>> = {
  scaled: [{ period: 1, timeout: 1, count: 45, rounds: 1, boundMs: 2500 }],
  full: [
    { period: 1, timeout: 1, count: 300, rounds: 3, boundMs: 2500 },
    { period: 10, timeout: 2, count: 300, rounds: 1, boundMs: 13_000 },
  ],
};

export const silentDrop: Fault = {
  name: 'silent-drop',
  about: 'An idle connection goes silent at a random moment',
  layer: 'relay',
  servers: serverKinds,
  run: (options) => inLabs(options, scales[options.size], (lab, scale) => drop(lab, scale, options.progress)),
};

async function drop(lab: Lab, { period, timeout, rounds, boundMs }: Scale, progress: (line: string) => void) {
  const names = Object.keys(directions);
  const direction = (index: number) => names[index % names.length] as string;
  for (let i = 1; i <= rounds; i++) {
    progress(`Round ${i} of ${rounds}`);
    await lab.atRandomPhases((subject) => {
      subject.strike(directions[direction(lab.subjects.indexOf(subject))] as (typeof directions)[string]);
    });
    await lab.lost();
    await lab.recovered();
  }
  return names.map((name) =>
    resultOf(
      `${name}, P ${period} s, T ${timeout} s`,
      lab.subjects.filter((_, index) => direction(index) === name),
      { boundMs, deaths: rounds },
    ),
  );
}
