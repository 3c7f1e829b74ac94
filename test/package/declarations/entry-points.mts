// Every entry point, for compilers that are too old for the syntax of the other consumer. With `skipLibCheck: false` they
// check every declaration that these reach.
import 'zeo-keepalive/register';

export * as agent from 'zeo-keepalive';
export * as amqplib from 'zeo-keepalive/amqplib';
export * as http2 from 'zeo-keepalive/http2';
export * as ioredis from 'zeo-keepalive/ioredis';
export * as metrics from 'zeo-keepalive/metrics';
export * as mqtt from 'zeo-keepalive/mqtt';
export * as mysql2 from 'zeo-keepalive/mysql2';
export * as nats from 'zeo-keepalive/nats';
export * as pg from 'zeo-keepalive/pg';
export * as records from 'zeo-keepalive/records';
export * as redis from 'zeo-keepalive/redis';
export * as sockets from 'zeo-keepalive/sockets';
export * as testing from 'zeo-keepalive/testing';
export * as ws from 'zeo-keepalive/ws';
export * as zconfig from 'zeo-keepalive/zconfig';
export * as client from 'zeo-keepalive/zeo';
