/**
 * `zeo-keepalive/mqtt`: keeps the connections of [MQTT.js](https://github.com/mqttjs/MQTT.js) alive.
 *
 * @module mqtt
 */
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { KeepAliveTarget } from '../model/target.js';
import { type AdapterOptions, adaptOnce, hasMethods, refusal, SocketTarget } from './socket-target.js';

export type { AdapterOptions } from './socket-target.js';

/** An `MqttClient` of `mqtt`, by what is used of it. */
export interface MqttJsClient {
  readonly connected: boolean;
  readonly disconnecting: boolean;
  readonly disconnected: boolean;
  end(): unknown;
}

/** What it has beside: in its types since version 5, and in the code since 4. */
interface ClientInternals extends MqttJsClient, EventEmitter {
  /** A socket, but for a client over WebSocket. */
  readonly stream?: Socket;
  /** The packets that have not been acknowledged; a volatile one is not sent again. */
  readonly outgoing: Record<string, { readonly volatile: boolean; cb?(error: Error): void }>;
  /** Since version 5. */
  sendPing?(): void;
  /** Private in its types, and used with version 4. */
  _sendPacket(packet: { readonly cmd: 'pingreq' }): void;
}

/**
 * A client, to be opened in the registry. It is pinged with `PINGREQ`, at any time; not while its message handler holds it up, so
 * that it does not read.
 *
 * @throws KeepAliveError `ERR_KEEPALIVE_INVALID_ARGUMENT` for anything but a client of `mqtt` over TCP or TLS that has not ended
 *
 * @example
 * databases.open('sensors', mqttClient(mqtt.connect('mqtts://broker.example.org')));
 */
export function mqttClient(client: MqttJsClient, options: AdapterOptions = {}): KeepAliveTarget {
  if (!isClient(client)) throw refusal('client', 'a client of mqtt 4 or 5, over TCP or TLS', client);
  if (client.disconnecting || client.disconnected)
    throw refusal('client', 'a client that has not ended', client);
  adaptOnce('client', client, options);
  const target = new SocketTarget(
    {
      isBusy: () => false,
      ping(settled) {
        if (client.sendPing === undefined) client._sendPacket({ cmd: 'pingreq' });
        else client.sendPing();
        // By the next byte: the packet of the answer waits for the handlers of the messages before it.
        settled();
      },
      // As the client does when it has lost its connection; what it will send again stays.
      failPending(error) {
        for (const [id, { volatile, cb }] of Object.entries(client.outgoing)) {
          if (!volatile) continue;
          delete client.outgoing[id];
          cb?.(error);
        }
      },
      emitters: [client],
    },
    options,
  );
  const attach = () => target.attach(client.stream as Socket);
  if (client.connected) attach();
  client.on('connect', attach);
  client.once('end', () => target.end());
  return target;
}

function isClient(client: unknown): client is ClientInternals {
  if (!hasMethods(client, 'on', 'once', '_sendPacket', 'publish', 'end')) return false;
  const { connected, outgoing, stream } = client as Partial<ClientInternals>;
  if (typeof connected !== 'boolean' || typeof outgoing !== 'object' || outgoing === null) return false;
  // There is none yet with `manualConnect`.
  return stream === undefined || stream === null || hasMethods(stream, 'destroy', 'setKeepAlive');
}
