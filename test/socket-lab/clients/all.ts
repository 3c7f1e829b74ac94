import type { ProgramName } from '../servers/programs.js';
import type { ClientKind } from './client.js';
import { amqplib, ioredis, mysql2Pool, pgPool } from './databases.js';
import { computingServer, plainSocket, tlsSocket, unreadSocket } from './plain.js';
import { http2Session, httpAgent, httpsAgent, undici, ws } from './web.js';

export const clientKinds = {
  'pg Pool': pgPool,
  ioredis,
  'mysql2 pool': mysql2Pool,
  amqplib,
  'http.Agent': httpAgent,
  'https.Agent': httpsAgent,
  undici,
  http2: http2Session,
  ws,
  'plain socket': plainSocket,
  'TLS socket': tlsSocket,
  'computing server': computingServer,
  'unread socket': unreadSocket,
} as const satisfies Record<string, ClientKind>;

export type ClientName = keyof typeof clientKinds;

/** The server that a client needs and Node does not have. */
export const programOf: Readonly<Partial<Record<ClientName, ProgramName>>> = {
  'pg Pool': 'postgresql',
  ioredis: 'redis',
  'mysql2 pool': 'mariadb',
  amqplib: 'rabbitmq',
};

/** Those whose path is cut: an application would have them. */
export const clientNames = (Object.keys(clientKinds) as ClientName[]).filter(
  (name) => name !== 'unread socket' && name !== 'computing server',
);
