import { connect } from '@nats-io/transport-node';
import mqtt from 'mqtt';
import { mqttClient as adaptMqttClient } from 'zeo-keepalive/mqtt';
import { natsConnection } from 'zeo-keepalive/nats';
import { ports } from '../servers/ports.js';
import { type ClientKind, deadlineMs, heartbeatMs, reasonOf } from './client.js';

export const mqttClient: ClientKind = {
  reconnects: true,
  async connect({ host, setup, onLost }) {
    const shortest: mqtt.IClientOptions = {
      keepalive: heartbeatMs / 1000,
      reschedulePings: false,
      connectTimeout: deadlineMs,
    };
    const client = await mqtt.connectAsync({
      ...{ host, port: ports.mosquitto },
      ...(setup === 'shortest' ? shortest : {}),
    });
    let reason: unknown;
    client.on('error', (error) => {
      reason = error;
    });
    client.on('close', () => onLost(reasonOf(reason)));
    // Still pending when the connection is lost: the client sends it again on the next one.
    const publish = () => client.publishAsync('nobody subscribes', 'x', { qos: 1 });
    await publish();
    return {
      call: publish,
      adapt: () => adaptMqttClient(client),
      close: () => void client.end(true),
    };
  },
};

/** What an application allows a request, which ends after a second by default. */
const requestMs = 60_000;

export const nats: ClientKind = {
  reconnects: true,
  async connect({ host, setup, onLost }) {
    const isShortest = setup === 'shortest';
    const shortest = { pingInterval: heartbeatMs, maxPingOut: 1, timeout: deadlineMs };
    const connection = await connect({
      servers: `${host}:${ports.nats}`,
      ...(isShortest ? shortest : {}),
    });
    const reportLosses = async () => {
      for await (const { type } of connection.status()) if (type === 'disconnect') onLost(type);
    };
    void reportLosses();
    const subject = `replier.${host}.${process.pid}`;
    connection.subscribe(subject, {
      callback: (_error, message) => {
        setTimeout(() => message.respond(), Number(message.string()) * 1000);
      },
    });
    const request = (seconds: number) =>
      connection.request(subject, `${seconds}`, { timeout: isShortest ? deadlineMs : requestMs });
    await request(0);
    return {
      call: () => request(0),
      wait: request,
      adapt: () => natsConnection(connection),
      close: () => void connection.close(),
    };
  },
};
