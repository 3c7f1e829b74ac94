import { Cluster } from '../faults/kernel/networks/cluster.js';
import { serverPort } from '../faults/kernel/networks/network.js';
import { ServerProcess } from '../faults/kernel/processes/server-process.js';
import type { ServerKind } from '../support/servers.js';

/** Two servers with the same data, and a computer for clients and what is between. */
export class Replicas implements AsyncDisposable {
  static readonly addresses = [`10.1.0.1:${serverPort}`, `10.1.0.2:${serverPort}`] as const;
  readonly cluster: Cluster;
  readonly first: ServerProcess;
  readonly second: ServerProcess;

  private constructor(cluster: Cluster, first: ServerProcess, second: ServerProcess) {
    this.cluster = cluster;
    this.first = first;
    this.second = second;
  }

  static async start(kind: ServerKind): Promise<Replicas> {
    const started: AsyncDisposable[] = [];
    const cluster = new Cluster();
    try {
      const startedAt = Date.now();
      const first = await ServerProcess.start(cluster.first, { kind, startedAt });
      started.push(first);
      const copy = { kind, startedAt, copyOf: first.directory };
      return new Replicas(cluster, first, await ServerProcess.start(cluster.second, copy));
    } catch (error) {
      await Promise.all(started.map((server) => server[Symbol.asyncDispose]()));
      cluster[Symbol.dispose]();
      throw error;
    }
  }

  /** The first server runs, and is reached, again. */
  heal(): void {
    this.cluster.first.heal();
    this.first.signal('SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.first, this.second].map((server) => server[Symbol.asyncDispose]()));
    this.cluster[Symbol.dispose]();
  }
}
