import type { TestContext } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { WireClient } from '../../zeo/server/wire-client.js';

/** Connects to a guard of this machine. The connection ends with the test, and may fail. */
export function openTls(t: TestContext, port: number, options: ConnectionOptions): TLSSocket {
  const socket = connect({ host: '127.0.0.1', port, ...options });
  t.after(() => socket.destroy());
  return socket.on('error', () => {});
}

/** The same as a ZEO client that has registered. */
export async function registerTls(
  t: TestContext,
  port: number,
  options: ConnectionOptions,
): Promise<WireClient> {
  const client = await WireClient.over(openTls(t, port, options));
  await client.call('register', '1', false);
  return client;
}
