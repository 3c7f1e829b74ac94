import { agent } from './agent.js';
import { bareSocket } from './bare-socket.js';
import { grpc } from './grpc.js';
import { mqtt } from './mqtt.js';
import type { Peer } from './peer.js';
import { socketIo } from './socket-io.js';
import { websocket } from './websocket.js';

export const peers: readonly Peer[] = [agent, grpc, websocket, socketIo, mqtt, bareSocket];

export function findPeer(name: string): Peer {
  const peer = peers.find((candidate) => candidate.name === name);
  if (peer === undefined) throw new Error(`There is no peer ${name}`);
  return peer;
}
