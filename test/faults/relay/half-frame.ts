import { serverKinds, startServer } from '../../support/servers.js';
import type { Fault, FaultResult } from '../fault.js';
import { Lab, type LabOptions, resultOf } from '../lab/lab.js';
import type { Subject } from '../lab/subject.js';

/** In the length of a frame, behind it, and some way into the reply to a ping. */
const places: Readonly<Record<string, number>> = {
  'after 2 bytes': 2,
  'after 4 bytes': 4,
  'after 30 bytes': 30,
};

/** The next bytes to an idle client are the reply to a ping. */
function cutReply(subject: Subject, afterBytes: number): Promise<void> {
  return new Promise((resolve) => {
    const connection = subject.relay.current;
    if (connection === undefined) throw new Error(`${subject.name} is not connected`);
    const cut = () => {
      subject.doom();
      resolve();
    };
    connection.toClient.manner = { kind: 'cut', afterBytes, cut };
  });
}

export const halfFrame: Fault = {
  name: 'half-frame',
  about: 'Half of the reply to a ping comes, and then nothing more',
  layer: 'relay',
  servers: serverKinds,
  async run({ size, server: kind, progress }) {
    // The period as short as the timeout is the hardest: half a frame is life until the next ping is due.
    const sizes =
      size === 'full'
        ? [
            { period: 2, timeout: 2, count: 150 },
            { period: 10, timeout: 2, count: 150 },
          ]
        : [{ period: 1.5, timeout: 1.5, count: 30 }];
    await using server = await startServer(kind);
    const results: FaultResult[] = [];
    for (const scale of sizes) {
      progress(`${scale.count} connections, P ${scale.period} s, T ${scale.timeout} s`);
      results.push(...(await cutAll({ ...scale, server: server.address })));
    }
    return results;
  },
};

async function cutAll(options: LabOptions): Promise<FaultResult[]> {
  await using lab = await Lab.open({ ...options, agent: { jitter: 0 } });
  const { period, timeout } = options;
  const names = Object.keys(places);
  const place = (subject: Subject) => names[lab.subjects.indexOf(subject) % names.length] as string;
  await Promise.all(lab.subjects.map((subject) => cutReply(subject, places[place(subject)] as number)));
  await lab.lost();
  await lab.recovered();
  return names.map((name) =>
    resultOf(
      `${name}, P ${period} s, T ${timeout} s`,
      lab.subjects.filter((subject) => place(subject) === name),
      { boundMs: lab.boundMs, deaths: 1 },
    ),
  );
}
