import type { ProgramName } from '../servers/programs.js';
import {
  mysql2Connection,
  mysql2PoolOfTwenty,
  mysql2Transaction,
  nodeRedis,
  pgClient,
  pgClientTransaction,
  pgPoolOfTwenty,
  pgTransaction,
  redisScript,
} from './adapted.js';
import type { ClientKind } from './client.js';
import { amqplib, ioredis, mysql2Pool, pgPool } from './databases.js';
import { mqttClient, nats } from './messaging.js';
import { computingServer, plainSocket, tlsSocket, unreadSocket } from './plain.js';
import { http2Session, httpAgent, httpsAgent, undici, ws } from './web.js';

/** Those whose path is cut by the socket lab: an application would have them. */
const common = {
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
} as const satisfies Record<string, ClientKind>;

export const clientKinds = {
  ...common,
  'computing server': computingServer,
  'unread socket': unreadSocket,
  redis: nodeRedis,
  'pg Client': pgClient,
  'mysql2 Connection': mysql2Connection,
  mqtt: mqttClient,
  nats,
  'pg Pool in a transaction': pgTransaction,
  'pg Client in a transaction': pgClientTransaction,
  'mysql2 pool in a transaction': mysql2Transaction,
  'ioredis with a script': redisScript,
  'pg Pool of 20': pgPoolOfTwenty,
  'mysql2 pool of 20': mysql2PoolOfTwenty,
} as const satisfies Record<string, ClientKind>;

export type ClientName = keyof typeof clientKinds;

/** The server that a client needs and Node does not have. */
export const programOf: Readonly<Partial<Record<ClientName, ProgramName>>> = {
  'pg Pool': 'postgresql',
  ioredis: 'redis',
  'mysql2 pool': 'mariadb',
  amqplib: 'rabbitmq',
};

export const clientNames = Object.keys(common) as ClientName[];

/** Those that have an adapter, in the order of docs/adapters.md. */
export const adaptedNames: readonly ClientName[] = [
  'pg Pool',
  'pg Client',
  'mysql2 pool',
  'mysql2 Connection',
  'ioredis',
  'redis',
  'amqplib',
  'mqtt',
  'nats',
  'ws',
  'http2',
];
