import assert = require('node:assert/strict');
import main = require('zeo-keepalive');
import metrics = require('zeo-keepalive/metrics');
import packageJson = require('zeo-keepalive/package.json');
import amqplib = require('zeo-keepalive/amqplib');
import http2 = require('zeo-keepalive/http2');
import ioredis = require('zeo-keepalive/ioredis');
import mqtt = require('zeo-keepalive/mqtt');
import mysql2 = require('zeo-keepalive/mysql2');
import nats = require('zeo-keepalive/nats');
import pg = require('zeo-keepalive/pg');
import records = require('zeo-keepalive/records');
import redis = require('zeo-keepalive/redis');
import sockets = require('zeo-keepalive/sockets');
import testing = require('zeo-keepalive/testing');
import ws = require('zeo-keepalive/ws');
import zconfig = require('zeo-keepalive/zconfig');
import zeo = require('zeo-keepalive/zeo');

import { exercise } from './exercise.mjs';

require('zeo-keepalive/register');

async function useIt(): Promise<void> {
  // One registry a process, however its parts load the package.
  assert.equal((await import('zeo-keepalive')).databases, main.databases);
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
  console.log(`Required ${packageJson.name}`);
}

void useIt();
