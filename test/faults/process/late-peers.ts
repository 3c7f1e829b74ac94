import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { Relay, type RelayedConnection } from '../../support/relay.js';
import { startServer } from '../../support/servers.js';
import { takeWorstStallMs } from '../../support/turning-clock.js';
import type { FaultResult } from '../fault.js';

/**
 * Healthy peers that reply after a delay: relays in front of a ZEO server, one for each storage, and an echo server for the
 * naive watchdogs. They run in this process; the host to be blocked runs in another one.
 */
export async function latePeers(count: number, answersAfterMs: number) {
  const server = await startServer('embedded');
  const relays = await Promise.all(Array.from({ length: count }, () => Relay.listen(server.address)));
  for (const relay of relays) {
    relay.welcome = { kind: 'relayed', toClient: { kind: 'delay', ms: answersAfterMs } };
  }
  const sockets = new Set<Socket>();
  const echo = await lateEcho(answersAfterMs, sockets);
  return {
    server,
    relays,
    addresses: relays.map(({ address }) => address),
    echoPort: (echo.address() as { port: number }).port,
    /** The connection of the storage `index`. */
    connectionOf: (index: number): RelayedConnection => relays[index]?.current as RelayedConnection,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      echo.close();
      await Promise.all(relays.map((relay) => relay.close()));
      await server[Symbol.asyncDispose]();
    },
  };
}

/**
 * What was measured since the last `takeWorstStallMs`. A result obtained while the peers themselves were late says nothing about
 * the agent.
 */
export function withLateness(
  results: readonly FaultResult[],
  answersAfterMs: number,
  timeoutMs: number,
): FaultResult[] {
  const lateMs = Math.round(takeWorstStallMs());
  const isTooBusy = answersAfterMs + 2 * lateMs > timeoutMs;
  return results.map(({ notes, ...result }) => ({
    ...result,
    notes: [notes ?? [], `the peers were up to ${lateMs} ms late`].flat().join('; '),
    ...(isTooBusy ? { tooBusy: 'its peers were late' } : {}),
  }));
}

async function lateEcho(answersAfterMs: number, sockets: Set<Socket>): Promise<Server> {
  const echo = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (bytes) => setTimeout(() => socket.write(bytes), answersAfterMs));
  });
  echo.listen({ host: '127.0.0.1', port: 0, backlog: 4096 });
  await once(echo, 'listening');
  return echo;
}
