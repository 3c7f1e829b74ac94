import { setTimeout as sleep } from 'node:timers/promises';
import { type clientKinds, clientNames } from './clients/all.js';
import type { Setup } from './clients/client.js';
import { connectAll } from './silent-drop.js';
import type { App, SocketLab } from './socket-lab.js';

const stalls = 6;
const stallMs = 3000;
const longCallSeconds = 10;
let nextId = 1_000_000;

/**
 * What a healthy server's clients make of a main loop that is blocked, idle and with a call out, and of a call that takes
 * long. Prints a line for each client.
 */
export async function stallsAlone(
  lab: SocketLab,
  setup: Setup | 'with the agent',
  print: (line: string) => void,
): Promise<void> {
  const isAlone = setup !== 'with the agent';
  await using app = await lab.startApp({ alone: isAlone });
  print(`A healthy server, ${setup}`);
  for (const withCall of [false, true]) {
    const subjects = await connected(lab, app, isAlone ? setup : 'default');
    for (let stall = 0; stall < stalls; stall++) {
      const before = app.all('blocked').length;
      app.send({ type: 'block', ms: stallMs, callers: withCall ? subjects.map(({ id }) => id) : [] });
      await app.until('the end of a stall', () => app.all('blocked').length > before);
      await sleep(2500);
    }
    printOutcome(
      app,
      subjects,
      `${stalls} stalls of ${stallMs / 1000} s, ${withCall ? 'with a call' : 'idle'}`,
      print,
    );
  }
  const subjects = (await connected(lab, app, isAlone ? setup : 'default')).filter(
    ({ name }) => name !== 'amqplib',
  );
  for (const { id } of subjects) app.send({ type: 'wait', id, seconds: longCallSeconds });
  await sleep(longCallSeconds * 1000 + 3000);
  printOutcome(app, subjects, `a call of ${longCallSeconds} s`, print);
}

async function connected(lab: SocketLab, app: App, setup: Setup) {
  app.events.length = 0;
  const hosts = lab.hosts(clientNames.length);
  const subjects = clientNames.map((name, index) => ({ id: nextId++, name, host: hosts[index] as string }));
  await connectAll(app, subjects, setup);
  await sleep(1500);
  return subjects;
}

function printOutcome(
  app: App,
  subjects: readonly { id: number; name: keyof typeof clientKinds }[],
  what: string,
  print: (line: string) => void,
): void {
  for (const { id, name } of subjects) {
    const lost = app.all('lost').filter((event) => event.id === id);
    const settled = app.all('settled').filter((event) => event.id === id);
    const failed = settled.filter(({ error }) => error !== undefined);
    const reasons = [...new Set([...lost.map(({ by }) => by), ...failed.map(({ error }) => error)])];
    print(
      `${name}, ${what}: ${lost.length} connections lost, ${failed.length} of ${settled.length} calls failed ` +
        `${reasons.join(', ')}`,
    );
    app.send({ type: 'close', id });
  }
  print(`the agent dropped ${app.all('died').length}`);
}
