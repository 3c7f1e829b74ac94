import { KeepAlive, StorageRegistry } from '../../../dist/src/index.js';
import { ClientStorage } from '../../../dist/src/zeo/index.js';
import { ZeoServer } from '../../../dist/src/zeo/server/index.js';
import { type Peer, period, timeout } from './peer.js';

const registry = new StorageRegistry();
const keepAlive = new KeepAlive({ period, timeout, level: 'silent' }, registry, {});
let opened = 0;

export const agent: Peer = {
  name: 'zeo-keepalive',
  settings: `period ${period}, timeout ${timeout}`,
  async serve() {
    const { address } = await ZeoServer.listen();
    return Number(address.slice(address.lastIndexOf(':') + 1));
  },
  async connect(host, port) {
    if (!keepAlive.running) keepAlive.start();
    const storage = await ClientStorage.open({ address: { host, port } });
    const name = String(opened++);
    registry.open(name, storage);
    return {
      lost: new Promise((resolve) => storage.once('disconnected', () => resolve())),
      close: () => void registry.close(name),
    };
  },
};
