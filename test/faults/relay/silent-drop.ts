import type { RelayedConnection } from '../../support/relay.js';
import { serverKinds, startServer } from '../../support/servers.js';
import type { Fault, FaultOptions, FaultResult } from '../fault.js';
import { Lab, resultOf } from '../lab/lab.js';

const directions: Readonly<Record<string, (connection: RelayedConnection) => void>> = {
  'both ways': (connection) => connection.silence(),
  'to the server': ({ toServer }) => {
    toServer.manner = { kind: 'swallow' };
  },
  'to the client': ({ toClient }) => {
    toClient.manner = { kind: 'swallow' };
  },
};

interface Round {
  readonly period: number;
  readonly timeout: number;
  readonly count: number;
  readonly rounds: number;
  /** What issue 3 asks for. */
  readonly boundMs: number;
}

const rounds: Readonly<Record<FaultOptions['size'], readonly Round[]>> = {
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
  async run({ size, server: kind, progress }) {
    await using server = await startServer(kind);
    const results: FaultResult[] = [];
    for (const round of rounds[size]) results.push(...(await drop(server.address, round, progress)));
    return results;
  },
};

async function drop(server: string, round: Round, progress: (line: string) => void) {
  const { period, timeout, count, boundMs } = round;
  const names = Object.keys(directions);
  await using lab = await Lab.open({ server, count, period, timeout });
  const direction = (index: number) => names[index % names.length] as string;
  for (let i = 1; i <= round.rounds; i++) {
    progress(`P ${period} s, T ${timeout} s: ${count} connections, round ${i} of ${round.rounds}`);
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
      { boundMs, deaths: round.rounds },
    ),
  );
}
