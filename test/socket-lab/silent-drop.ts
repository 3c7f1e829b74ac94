import { setTimeout as sleep } from 'node:timers/promises';
import { type ClientName, clientKinds } from './clients/all.js';
import type { Setup } from './clients/client.js';
import type { AppEvent, WitnessEvent } from './messages.js';
import type { App, SocketLab } from './socket-lab.js';
import { type State, Subject } from './subject.js';

/** What came of one client whose path was cut. Times as {@link Subject} has them. */
export interface Drop
  extends Readonly<
    Pick<Subject, 'name' | 'state' | 'foundMs' | 'stalledMs' | 'heardMs' | 'heardBy' | 'message'>
  > {
  /** From the return of the path until a call was answered; `undefined` for clients that do not reconnect. */
  readonly backMs: number | undefined;
}

export interface SilentDropOptions {
  readonly clients: readonly ClientName[];
  /** Of each client in each state. */
  readonly phases: number;
  /** By default all. */
  readonly states?: readonly State[];
  /** How the clients are set up; as they come, unless something else is said. */
  readonly setup?: Setup;
  /** Without the agent. */
  readonly alone?: boolean;
  /** How long to wait for what is to be heard after the last cut. */
  readonly patienceMs?: number;
}

/** For the return of a client: the attempts that it made meanwhile back off. */
const backWithinMs = 60_000;
/** Longer than a test takes. */
const waitSeconds = 300;
let nextId = 0;

/** Cuts the path of each client at a random moment, both ways, and returns what came of it. */
export async function silentDrop(lab: SocketLab, app: App, options: SilentDropOptions): Promise<Drop[]> {
  const { setup = 'default', alone = false, patienceMs = 15_000 } = options;
  const subjects = subjectsOf(lab, options);
  await connectAll(app, subjects, setup);
  for (const { id, state } of subjects)
    if (state === 'waiting') app.send({ type: 'wait', id, seconds: waitSeconds });
  app.onEvent = dispatcher(subjects);

  for (const subject of shuffled(subjects)) {
    // Some seconds in all, so that the cuts fall anywhere between two probes.
    await sleep(Math.random() * Math.min(200, 6000 / subjects.length));
    const { id, state, host } = subject;
    subject.begin(lab.cut(host));
    app.send({ type: state === 'in flight' ? 'call' : 'mark', id });
  }
  const isOver = (subject: Subject) => subject.isHeard && (subject.isFound || alone);
  await app.meets(() => subjects.every(isOver), patienceMs);

  lab.heal();
  const backMs = alone ? new Map<number, number>() : await comeBack(app, subjects);
  app.onEvent = undefined;
  for (const { id } of subjects) app.send({ type: 'close', id });
  app.events.length = 0;
  return subjects.map((subject) => dropOf(subject, backMs));
}

export function dropOf(subject: Subject, backMs: ReadonlyMap<number, number>): Drop {
  const { id, name, state, foundMs, stalledMs, heardMs, heardBy, message } = subject;
  return { name, state, foundMs, stalledMs, heardMs, heardBy, message, backMs: backMs.get(id) };
}

function subjectsOf(lab: SocketLab, options: SilentDropOptions): Subject[] {
  const { clients, phases, states = ['idle', 'waiting', 'in flight'] } = options;
  const kinds = clients.flatMap((name) =>
    // AMQP has no call that takes long.
    states
      .filter((state) => state !== 'waiting' || name !== 'amqplib')
      .map((state) => [name, state] as const),
  );
  const wanted = Array.from({ length: phases }, () => kinds).flat();
  const hosts = lab.hosts(wanted.length);
  return wanted.map(([name, state], index) => new Subject(nextId++, name, state, hosts[index] as string));
}

/** Not all at once: what a server takes for a flood it answers late. */
export async function connectAll(
  app: App,
  subjects: readonly Pick<Subject, 'id' | 'name' | 'host'>[],
  setup: Setup = 'default',
): Promise<void> {
  const atOnce = 40;
  for (let from = 0; from < subjects.length; from += atOnce) {
    const some = subjects.slice(from, from + atOnce);
    for (const { id, name, host } of some) app.send({ type: 'connect', id, name, host, setup });
    const ids = new Set(some.map(({ id }) => id));
    await app.until(
      'all clients are connected',
      () => app.all('connected').filter(({ id }) => ids.has(id)).length === ids.size,
    );
  }
}

export function dispatcher(subjects: readonly Subject[]): (event: AppEvent | WitnessEvent) => void {
  const byId = new Map(subjects.map((subject) => [subject.id, subject]));
  const byHost = new Map(subjects.map((subject) => [subject.host, subject]));
  return (event) => {
    if (event.type === 'died') byHost.get(event.address.replace(/:\d+$/, ''))?.note(event);
    else if ('id' in event) byId.get(event.id)?.note(event);
  };
}

/** Has each client that reconnects make a call, and returns after how long it was answered. */
export async function comeBack(app: App, subjects: readonly Subject[]): Promise<Map<number, number>> {
  const backMs = new Map<number, number>();
  const healedMs = performance.now();
  const comeBackOne = async ({ id }: Subject) => {
    while (performance.now() - healedMs < backWithinMs) {
      const outcome = await call(app, id);
      if (outcome === undefined) return;
      if (outcome.error === undefined) {
        backMs.set(id, performance.now() - healedMs);
        return;
      }
      await sleep(100);
    }
  };
  await Promise.all(subjects.filter(({ name }) => clientKinds[name].reconnects).map(comeBackOne));
  return backMs;
}

/** The outcome of one more call; `undefined` when there is none in time. */
async function call(app: App, id: number): Promise<Extract<AppEvent, { type: 'settled' }> | undefined> {
  const from = app.events.length;
  app.send({ type: 'call', id });
  let outcome: Extract<AppEvent, { type: 'settled' }> | undefined;
  let seen = from;
  await app.meets(() => {
    for (; seen < app.events.length && outcome === undefined; seen++) {
      const event = app.events[seen];
      if (event?.type === 'settled' && event.id === id) outcome = event;
    }
    return outcome !== undefined;
  }, backWithinMs);
  return outcome;
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ item }) => item);
}
