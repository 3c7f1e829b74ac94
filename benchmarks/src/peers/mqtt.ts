import { once } from 'node:events';
import { createServer } from 'node:net';
import { Aedes } from 'aedes';
import mqttClient from 'mqtt';
import { type Peer, period } from './peer.js';

/** Its timeout cannot be set: half a period after each period. */
export const mqtt: Peer = {
  name: 'mqtt, broker aedes',
  settings: `keepalive ${period}, the shortest there is`,
  async serve() {
    const broker = await Aedes.createBroker();
    const server = createServer(broker.handle);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as { port: number }).port;
  },
  async connect(host, port) {
    const client = await mqttClient.connectAsync(`mqtt://${host}:${port}`, {
      keepalive: period,
      reconnectPeriod: 0,
    });
    client.on('error', () => {});
    return {
      lost: new Promise((resolve) => client.once('close', () => resolve())),
      close: () => void client.end(true),
    };
  },
};
