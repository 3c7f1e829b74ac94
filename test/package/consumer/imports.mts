import * as main from 'zeo-keepalive';
import * as amqplib from 'zeo-keepalive/amqplib';
import * as http2 from 'zeo-keepalive/http2';
import * as ioredis from 'zeo-keepalive/ioredis';
import * as metrics from 'zeo-keepalive/metrics';
import * as mqtt from 'zeo-keepalive/mqtt';
import * as mysql2 from 'zeo-keepalive/mysql2';
import * as nats from 'zeo-keepalive/nats';
import packageJson from 'zeo-keepalive/package.json' with { type: 'json' };
import * as pg from 'zeo-keepalive/pg';
import * as records from 'zeo-keepalive/records';
import * as redis from 'zeo-keepalive/redis';
import 'zeo-keepalive/register';
import * as sockets from 'zeo-keepalive/sockets';
import * as testing from 'zeo-keepalive/testing';
import * as ws from 'zeo-keepalive/ws';
import * as zconfig from 'zeo-keepalive/zconfig';
import * as zeo from 'zeo-keepalive/zeo';
import { exercise } from './exercise.mjs';

await exercise({
  main,
  zeo,
  records,
  testing,
  metrics,
  sockets,
  zconfig,
  adapters: { amqplib, http2, ioredis, mqtt, mysql2, nats, pg, redis, ws },
});
console.log(`Imported ${packageJson.name}`);
