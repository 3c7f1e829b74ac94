import { Client, connectivityState, credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import { type Peer, period, timeout } from './peer.js';

const options = {
  'grpc.keepalive_time_ms': period * 1000,
  'grpc.keepalive_timeout_ms': timeout * 1000,
  'grpc.keepalive_permit_without_calls': 1,
};

export const grpc: Peer = {
  name: '@grpc/grpc-js',
  settings: Object.entries(options)
    .map(([name, value]) => `${name.replace('grpc.', '')} ${value}`)
    .join(', '),
  serve() {
    const server = new Server();
    return new Promise((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
  },
  async connect(host, port) {
    const client = new Client(`${host}:${port}`, credentials.createInsecure(), {
      ...options,
      // Otherwise all clients of the process would share one connection.
      'grpc.use_local_subchannel_pool': 1,
    });
    await new Promise<void>((resolve, reject) => {
      client.waitForReady(Date.now() + 10_000, (error) => (error === undefined ? resolve() : reject(error)));
    });
    const lost = new Promise<void>((resolve) => {
      client
        .getChannel()
        .watchConnectivityState(connectivityState.READY, Number.POSITIVE_INFINITY, () => resolve());
    });
    return { lost, close: () => client.close() };
  },
};
