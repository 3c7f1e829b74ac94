import { KeepAlive, StorageRegistry } from '../../../dist/src/index.js';
import { ClientStorage } from '../../../dist/src/zeo/index.js';
import { openAll, type PingSubject, type SubjectOptions } from './subject.js';

/** The keep-alive agent over ZEO storages. */
export class Agent implements PingSubject {
  readonly keepAlive: KeepAlive;
  readonly #registry: StorageRegistry;

  private constructor(registry: StorageRegistry, { periodMs, onSent }: SubjectOptions) {
    this.#registry = registry;
    // Without jitter, to ping exactly as often as the others.
    const options = { period: periodMs / 1000, timeout: 5, jitter: 0, level: 'silent' } as const;
    this.keepAlive = new KeepAlive(options, registry, {});
    if (onSent !== undefined) this.keepAlive.on('pingStarted', ({ name }) => onSent(name));
  }

  static async open(options: SubjectOptions): Promise<Agent> {
    const registry = new StorageRegistry();
    const { address, count } = options;
    await openAll(count, async (index) => {
      registry.open(String(index), await ClientStorage.open({ address }));
    });
    return new Agent(registry, options);
  }

  get answered(): number {
    return this.#count(({ pings, failures }) => pings - failures);
  }

  get failed(): number {
    return this.#count(({ failures }) => failures);
  }

  start(): void {
    this.keepAlive.start();
  }

  async close(): Promise<void> {
    await this.keepAlive.stop();
    await Promise.all([...this.#registry.opened.keys()].map((name) => this.#registry.close(name)));
  }

  #count(of: (storage: { readonly pings: number; readonly failures: number }) => number): number {
    return this.keepAlive.status().connections.reduce((sum, storage) => sum + of(storage), 0);
  }
}
