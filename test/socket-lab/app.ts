// An application with clients, which knows nothing of an agent but its registry. Run by a LabProcess.
import { databases } from 'zeo-keepalive';
import { clientKinds } from './clients/all.js';
import { type Client, reasonOf } from './clients/client.js';
import type { AppCommand, AppConfig, AppEvent } from './messages.js';
import { moment } from './moment.js';

const { ca } = JSON.parse(process.argv[2] as string) as AppConfig;
const report = (event: AppEvent) => process.connected && process.send?.(event);
process.on('disconnect', () => process.exit());

const clients = new Map<number, Client>();

/** A call that nobody waits for here: how it ends is reported. */
async function make(id: number, call: () => Promise<unknown> | undefined): Promise<void> {
  report({ type: 'called', id, ...moment() });
  let error: string | undefined;
  try {
    await call();
  } catch (thrown) {
    error = reasonOf(thrown);
  }
  if (clients.has(id)) report({ type: 'settled', id, error, ...moment() });
}

async function connect({ id, name, ...options }: Extract<AppCommand, { type: 'connect' }>): Promise<void> {
  const onLost = (by: string) => {
    if (clients.has(id)) report({ type: 'lost', id, by, ...moment() });
  };
  const client = await clientKinds[name].connect({ ...options, ca, onLost });
  clients.set(id, client);
  if (options.setup === 'adapter') {
    if (client.adapt === undefined) throw new Error(`There is no adapter for ${name}`);
    databases.open(`${id}`, client.adapt());
  }
  report({ type: 'connected', id });
}

/** As many callers, each of whom calls again when it has an answer. */
async function load({ id, callers, seconds }: Extract<AppCommand, { type: 'load' }>): Promise<void> {
  const endMs = performance.now() + seconds * 1000;
  let [calls, failedCalls] = [0, 0];
  const callAgainAndAgain = async () => {
    for (; performance.now() < endMs; calls++)
      await clients
        .get(id)
        ?.call()
        .catch(() => {
          failedCalls += 1;
        });
  };
  await Promise.all(Array.from({ length: callers }, callAgainAndAgain));
  report({ type: 'loaded', id, calls, failedCalls });
}

function block(ms: number, callers: readonly number[]): void {
  for (const id of callers) void make(id, () => clients.get(id)?.call());
  // Where most computing happens: between the loop's timers and the replies that have come meanwhile.
  setImmediate(() => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    report({ type: 'blocked', ...moment() });
  });
}

process.on('message', (command: AppCommand) => {
  switch (command.type) {
    case 'connect':
      return void connect(command);
    case 'call':
      return void make(command.id, () => clients.get(command.id)?.call());
    case 'wait':
      return void make(command.id, () => clients.get(command.id)?.wait?.(command.seconds));
    case 'mark':
      return void report({ type: 'marked', id: command.id, ...moment() });
    case 'load':
      return void load(command);
    case 'block':
      return block(command.ms, command.callers);
    case 'close': {
      const client = clients.get(command.id);
      clients.delete(command.id);
      return client?.close();
    }
  }
});
report({ type: 'ready', pid: process.pid });
