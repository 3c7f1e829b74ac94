import { serverKinds } from '../../support/servers.js';
import type { Fault, FaultResult } from '../fault.js';
import { inLabs, type Lab, type LabScale, resultOf } from '../lab/lab.js';
import type { Subject } from '../lab/subject.js';

/** Within the length of a frame, just behind it, and some way into the reply to a ping. */
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
  about: 'Half of the reply to a ping arrives, and then nothing more',
  layer: 'relay',
  servers: serverKinds,
  run(options) {
    const agent = { jitter: 0 };
    // A period as short as the timeout is the hardest: half a frame counts as life until the next ping is due.
    const scales =
      options.size === 'full'
        ? [
            { period: 2, timeout: 2, count: 150, agent },
            { period: 10, timeout: 2, count: 150, agent },
          ]
        : [{ period: 1.5, timeout: 1.5, count: 30, agent }];
    return inLabs(options, scales, cutAll);
  },
};

async function cutAll(lab: Lab, { period, timeout }: LabScale): Promise<FaultResult[]> {
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
