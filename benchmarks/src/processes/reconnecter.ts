/** A host whose connections die, which reports how long it takes to get new ones. */
import { KeepAlive, StorageRegistry } from '../../../dist/src/index.js';
import { ClientStorage } from '../../../dist/src/zeo/index.js';
import { serve } from '../harness/child.js';

const registry = new StorageRegistry();
const agent = new KeepAlive({ period: 1, timeout: 1, level: 'silent' }, registry, {});
const diedAtMs = new Map<string, number>();
agent.on('connectionDied', ({ name }) => diedAtMs.set(name, performance.now()));
let backMs: number[] = [];
let count = 0;
let onBack = () => {};

const api = {
  /**
   * Opens new storages in place of the previous ones, because a storage that has just lost a connection waits longer at the
   * next loss. Resolves to how long each connection took, one after another, in milliseconds.
   */
  async open({
    address,
    count: wanted,
  }: {
    readonly address: string;
    readonly count: number;
  }): Promise<number[]> {
    for (const name of [...registry.opened.keys()]) await registry.close(name);
    count = wanted;
    backMs = [];
    const openedMs: number[] = [];
    for (let i = 0; i < count; i++) {
      const name = String(i);
      const startMs = performance.now();
      const storage = await ClientStorage.open({ address });
      openedMs.push(performance.now() - startMs);
      storage.on('connected', () => {
        backMs.push(performance.now() - (diedAtMs.get(name) ?? Number.NaN));
        onBack();
      });
      registry.open(name, storage);
    }
    if (!agent.running) agent.start();
    return openedMs;
  },
  /** Resolves when each storage has died and is connected again, to how long it took. */
  async allBack(): Promise<number[]> {
    while (backMs.length < count) {
      await new Promise<void>((resolve) => {
        onBack = resolve;
      });
    }
    return backMs;
  },
};
export type ReconnecterApi = typeof api;
serve(api);
