import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientName } from '../socket-lab/clients/all.js';
import type { Setup } from '../socket-lab/clients/client.js';
import { comeBack, connectAll, type Drop, dispatcher, dropOf } from '../socket-lab/silent-drop.js';
import { type App, period, type SocketLab } from '../socket-lab/socket-lab.js';
import { type State, Subject } from '../socket-lab/subject.js';

export interface StopOptions {
  readonly clients: readonly ClientName[];
  readonly setup: Setup;
  /** How long to wait for what is to be heard after the stop. */
  readonly patienceMs: number;
}

/** Idle, with a call before the agent's next ping, and with a call after it. */
export const stopStates = ['idle', 'in flight', 'behind the ping'] as const satisfies readonly State[];

let nextId = 3_000_000;

/**
 * Stops all servers at a random moment, and returns what came of each client in each state. The agent pings the clients of an
 * application together, so each application is one phase.
 */
export async function stopServers(
  lab: SocketLab,
  apps: readonly App[],
  { clients, setup, patienceMs }: StopOptions,
): Promise<Drop[]> {
  const kinds = clients.flatMap((name) => stopStates.map((state) => [name, state] as const));
  const hosts = lab.hosts(kinds.length);
  const hosted = apps.map((app) => ({
    app,
    subjects: kinds.map(([name, state], at) => new Subject(nextId++, name, state, hosts[at] as string)),
  }));
  for (const { app, subjects } of hosted) {
    await connectAll(app, subjects, setup);
    app.onEvent = dispatcher(subjects);
  }
  const isAlone = setup !== 'adapter';
  if (!isAlone) await Promise.all(apps.map((app) => allPinged(app, kinds.length)));
  await sleep(Math.random() * period * 1000);

  const stoppedMs = lab.stopServers();
  for (const { app, subjects } of hosted)
    for (const subject of subjects) {
      subject.begin(stoppedMs);
      if (subject.state !== 'behind the ping')
        app.send({ type: subject.state === 'idle' ? 'mark' : 'call', id: subject.id });
    }
  // By then each idle connection has been pinged.
  await sleep(period * 1000 + 300);
  for (const { app, subjects } of hosted)
    for (const { id, state } of subjects) if (state === 'behind the ping') app.send({ type: 'call', id });
  const isOver = (subject: Subject) =>
    subject.state === 'in flight' || (subject.isHeard && (subject.isFound || isAlone));
  await Promise.all(hosted.map(({ app, subjects }) => app.meets(() => subjects.every(isOver), patienceMs)));

  lab.resumeServers();
  const drops = await Promise.all(
    hosted.map(async ({ app, subjects }) => {
      const backMs = isAlone ? new Map<number, number>() : await comeBack(app, subjects);
      app.onEvent = undefined;
      for (const { id } of subjects) app.send({ type: 'close', id });
      app.events.length = 0;
      return subjects.map((subject) => dropOf(subject, backMs));
    }),
  );
  return drops.flat();
}

async function allPinged(app: App, connections: number): Promise<void> {
  const isPinged = () => (app.all('status').at(-1)?.answered ?? 0) >= connections;
  for (let left = 100; left > 0 && !isPinged(); left--) {
    app.send({ type: 'look' });
    await sleep(100);
  }
  if (!isPinged()) throw new Error(`Expected ${connections} connections to be pinged within 10 s`);
}
