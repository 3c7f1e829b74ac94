import { serverKinds } from '../../support/servers.js';
import type { Fault } from '../fault.js';
import { inLabs, type Lab, resultOf } from '../lab/lab.js';
import type { Subject } from '../lab/subject.js';

interface Hold {
  readonly name: string;
  /** Before the drop. */
  take(lab: Lab, subject: Subject): Promise<void> | void;
  /** Just after the drop. */
  call(lab: Lab, subject: Subject): void;
}

const root = new Uint8Array(8);

const holds: readonly Hold[] = [
  {
    name: 'hung load',
    take: () => {},
    // The load holds the lock while it waits for its reply.
    call: (lab, { storage }) => void lab.calls.watch(storage.load(root)),
  },
  {
    name: 'two hung loads and a hung call',
    take: () => {},
    call: (lab, { storage }) => {
      void lab.calls.watch(storage.load(root));
      void lab.calls.watch(storage.loadBefore(root, Buffer.from('7fffffffffffff00', 'hex')));
      void lab.calls.watch(storage.getInfo());
    },
  },
  {
    name: 'acquire() without a time limit',
    take: async (_, { storage }) => {
      await storage.loadLock.acquire();
    },
    call: (lab, { storage }) => void lab.calls.watch(storage.getInfo()),
  },
];

export const heldLock: Fault = {
  name: 'held-lock',
  about: 'The connection goes silent while the application holds the load lock',
  layer: 'relay',
  servers: serverKinds,
  run(options) {
    const scales =
      options.size === 'full'
        ? [
            { period: 1, timeout: 1, count: 150, boundMs: 2500 },
            { period: 10, timeout: 2, count: 150, boundMs: 13_000 },
          ]
        : [{ period: 1, timeout: 1, count: 30, boundMs: 2500 }];
    return inLabs(options, scales, async (lab, { period, timeout, boundMs }) => {
      const holdOf = (subject: Subject) => holds[lab.subjects.indexOf(subject) % holds.length] as Hold;
      await lab.atRandomPhases(async (subject) => {
        const hold = holdOf(subject);
        await hold.take(lab, subject);
        subject.strike((connection) => connection.silence());
        hold.call(lab, subject);
      });
      await lab.lost();
      await lab.callsEnded();
      await lab.recovered();
      return holds.map((hold) => {
        const own = lab.subjects.filter((subject) => holdOf(subject) === hold);
        const variant = `${hold.name}, P ${period} s, T ${timeout} s`;
        return resultOf(variant, own, { boundMs, deaths: 1 }, lab.calls);
      });
    });
  },
};
