import { setTimeout as sleep } from 'node:timers/promises';
import { PythonScript } from '../harness/python.js';
import { openServer } from '../harness/servers.js';
import type { Loss } from '../processes/peer-clients.js';
import type { Clients, PeerServer } from './trial.js';

/** Connections of ZEO's own Python client, to the embedded server. */
export class PythonClients implements Clients {
  readonly #script: PythonScript;
  #losses: Loss[] = [];

  private constructor(script: PythonScript) {
    this.#script = script;
  }

  static async open(ports: readonly number[]): Promise<PythonClients> {
    const script = new PythonScript(
      'clients.py',
      ports.map((port) => `127.0.0.1:${port}`),
    );
    await script.nextLine();
    return new PythonClients(script);
  }

  static async serve(): Promise<PeerServer> {
    const server = await openServer();
    const port = Number(server.address.split(':')[1]);
    return { port, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  }

  async takeLosses(): Promise<Loss[]> {
    await this.#fetch();
    const taken = this.#losses;
    this.#losses = [];
    return taken;
  }

  async waitForLosses(count: number, ms: number): Promise<void> {
    for (const endMs = performance.now() + ms; performance.now() < endMs; await sleep(250)) {
      await this.#fetch();
      if (this.#losses.length >= count) return;
    }
  }

  async block(ms: number): Promise<void> {
    this.#script.write({ block: ms / 1000 });
    await this.#script.nextLine();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#script[Symbol.asyncDispose]();
  }

  async #fetch(): Promise<void> {
    this.#script.write({ takeLosses: true });
    this.#losses.push(...(await this.#script.nextLine<Loss[]>()));
  }
}
