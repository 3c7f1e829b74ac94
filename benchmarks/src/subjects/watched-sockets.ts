import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { KeepAlive, StorageRegistry } from '../../../dist/src/index.js';
import { openAll } from './subject.js';

/** In seconds. */
export const socketPeriod = 10;

/** An agent that watches what it is asked to, and nothing else. */
export class SocketAgent implements AsyncDisposable {
  readonly #agent = new KeepAlive({ period: socketPeriod, level: 'silent' }, new StorageRegistry(), {});

  static async start(): Promise<SocketAgent> {
    const agent = new SocketAgent();
    agent.#agent.start();
    while (!agent.#agent.workerRunning) await sleep(10);
    return agent;
  }

  /** Watches the connections that are made from now on, until it is disposed. */
  watch(): Disposable {
    return this.#agent.watchSockets({ only: '127.0.0.1' });
  }

  /** Resolves when as many connections are watched. */
  async watched(count: number): Promise<void> {
    while (this.#agent.status().connections.length !== count) await sleep(50);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.stop();
  }
}

export function openSockets(port: number, count: number): Promise<Socket[]> {
  return openAll(count, () => openSocket(port));
}

export function openSocket(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port }, () => resolve(socket));
    socket.once('error', reject);
  });
}
