import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { RunningCommand } from '../cli/command.js';
import { openPythonClient, type PythonClient, PythonError } from '../support/python/client.js';
import { findZeo } from '../support/python/environments.js';
import { startReplicas } from './replicas.js';

/** How many loads have to succeed before the restart, and again after it. */
const enough = 50;

/** More errors than a restart may cause: the load ends. */
const tooManyErrors = 10;

/** Loads one object from the server again and again. */
class Load extends EventEmitter<{ loaded: []; ended: [] }> {
  readonly errors: string[] = [];
  readonly #client: PythonClient;
  readonly #oid: string;
  #isStopped = false;
  #loaded = 0;

  constructor(client: PythonClient, oid: string) {
    super();
    this.#client = client;
    this.#oid = oid;
  }

  /** Resolves after {@link stop}, or too many errors. */
  async run(): Promise<void> {
    while (!this.#isStopped && this.errors.length <= tooManyErrors) {
      try {
        await this.#client.call('load_from_server', { oid: this.#oid });
        this.#loaded += 1;
        this.emit('loaded');
      } catch (error) {
        this.errors.push(error instanceof PythonError ? error.type : String(error));
      }
    }
    this.#isStopped = true;
    this.emit('ended');
  }

  /** Resolves when {@link enough} more loads have succeeded, or the load has ended. */
  async progress(): Promise<void> {
    const goal = this.#loaded + enough;
    const ended = once(this, 'ended');
    while (this.#loaded < goal && !this.#isStopped) await Promise.race([once(this, 'loaded'), ended]);
  }

  stop(): void {
    this.#isStopped = true;
  }
}

/**
 * A free port, apart from those that the system gives to clients: one of them could be given the port while no guard
 * listens there.
 */
async function fixedPort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 10_000);
    const server = createServer();
    try {
      await once(server.listen(port, '127.0.0.1'), 'listening');
    } catch {
      continue;
    }
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

async function startCommand(t: TestContext, routes: readonly string[]): Promise<RunningCommand> {
  const command = new RunningCommand(['guard', '--period', '0.2', '--timeout', '2', ...routes]);
  t.after(() => command.kill('SIGKILL'));
  for (const _ of routes) await command.line(/listens for clients of/);
  return command;
}

for (const options of [
  { version: '6.2', msgpack: false },
  { version: '5.4.1', msgpack: true },
] as const) {
  const { version } = options;
  const { missing } = findZeo(version);
  describe(`Python clients of ZEO ${version} under load`, { skip: missing, timeout: 120_000 }, () => {
    it('see at most one transient error each when the guard is restarted', async (t) => {
      const { first, second, oids } = await startReplicas(t, options);
      const ports = [await fixedPort(), await fixedPort()];
      const routes = [`${ports[0]}=${first.address}`, `${ports[1]}=${second.address}`];
      let guard = await startCommand(t, routes);
      const address = ports.map((port) => ['127.0.0.1', port] as const);
      const clients = await Promise.all([1, 2].map(() => openPythonClient(version, { address })));
      for (const client of clients) t.after(() => client.kill());
      const loads = clients.map((client) => new Load(client, oids[0] as string));
      const running = loads.map((load) => load.run());
      const progress = () => Promise.all(loads.map((load) => load.progress()));
      await progress();

      for (const [restarts, signal] of (['SIGTERM', 'SIGKILL'] as const).entries()) {
        guard.kill(signal);
        const ended = await guard.ended();
        assert.equal(ended.signal ?? ended.code, signal === 'SIGTERM' ? 0 : signal);
        guard = await startCommand(t, routes);
        await progress();
        for (const { errors } of loads)
          assert.ok(errors.length <= restarts + 1, `Expected one error a restart, found ${errors}`);
      }

      for (const load of loads) load.stop();
      await Promise.all(running);
      const transient = 'ZEO.Exceptions.ClientDisconnected';
      for (const { errors } of loads)
        assert.ok(
          errors.every((type) => type === transient),
          `${errors}`,
        );
      for (const client of clients) assert.equal(await client.call('disconnections'), 2);
    });
  });
}
