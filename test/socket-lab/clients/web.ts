import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { Agent, request } from 'undici';
import { WebSocket } from 'ws';
import { http2Session as adaptHttp2Session } from 'zeo-keepalive/http2';
import { webSocket } from 'zeo-keepalive/ws';
import { ports } from '../servers/ports.js';
import {
  type Client,
  type ClientKind,
  type ClientOptions,
  deadlineMs,
  heartbeatMs,
  reasonOf,
} from './client.js';

const pathOf = (text: string) => `/${encodeURIComponent(text)}`;

/** With the kept-alive socket that a request leaves behind. */
const nodeAgent = (module: typeof http | typeof https, port: number): ClientKind => ({
  reconnects: true,
  async connect({ host, setup, ca, onLost }: ClientOptions) {
    const timeout = setup === 'shortest' ? { timeout: deadlineMs } : {};
    const agent = new module.Agent({
      keepAlive: true,
      maxSockets: 1,
      ca,
      servername: 'localhost',
      ...timeout,
    } as https.AgentOptions);
    const get = (text: string) =>
      new Promise<void>((resolve, reject) => {
        const outgoing = module.get({ host, port, path: pathOf(text), agent, ...timeout }, (response) => {
          response.resume().on('error', reject).on('end', resolve);
        });
        outgoing.on('error', reject).on('timeout', () => outgoing.destroy(new Error('timeout')));
        outgoing.once('socket', (socket) => {
          socket.off('close', notice).once('close', notice);
        });
      });
    const notice = () => onLost('closed');
    await get('call');
    return {
      call: () => get('call'),
      wait: (seconds) => get(`wait ${seconds}`),
      close: () => agent.destroy(),
    };
  },
});

export const httpAgent = nodeAgent(http, ports.http);
export const httpsAgent = nodeAgent(https, ports.https);

export const undici: ClientKind = {
  reconnects: true,
  async connect({ host, setup, onLost }) {
    const shortest = {
      headersTimeout: deadlineMs,
      bodyTimeout: deadlineMs,
      connect: { timeout: deadlineMs },
    };
    // By default it closes an idle connection after 4 s, which hides that it is dead.
    const idle = { keepAliveTimeout: 600_000, keepAliveMaxTimeout: 600_000 };
    const dispatcher = new Agent({ connections: 1, ...idle, ...(setup === 'shortest' ? shortest : {}) });
    dispatcher.on('disconnect', (_origin, _targets, error) => onLost(reasonOf(error)));
    const get = async (text: string) => {
      const { body } = await request(`http://${host}:${ports.http}${pathOf(text)}`, { dispatcher });
      await body.text();
    };
    await get('call');
    return {
      call: () => get('call'),
      wait: (seconds) => get(`wait ${seconds}`),
      close: () => void dispatcher.destroy(),
    };
  },
};

/** A ping each second whose answer is awaited for as long: the recipe of the documentation of `ws`. */
function heartbeat(ping: (answered: () => void) => void, giveUp: () => void): NodeJS.Timeout {
  let isAlive = true;
  return setInterval(() => {
    if (!isAlive) return giveUp();
    isAlive = false;
    ping(() => {
      isAlive = true;
    });
  }, heartbeatMs);
}

export const http2Session: ClientKind = {
  reconnects: false,
  async connect({ host, setup, onLost }) {
    const session = http2.connect(`http://${host}:${ports.http2}`);
    let reason: unknown;
    session.on('error', (error) => {
      reason = error;
    });
    session.on('close', () => onLost(reasonOf(reason)));
    await once(session, 'connect');
    if (setup === 'shortest') {
      const timer = heartbeat(
        (answered) => session.destroyed || session.ping(() => answered()),
        () => session.destroy(new Error('no pong')),
      );
      session.on('close', () => clearInterval(timer));
    }
    const get = async (text: string) => {
      const stream = session.request({ ':path': pathOf(text) }).resume();
      stream.on('error', () => {});
      await once(stream, 'end');
    };
    await get('call');
    return {
      call: () => get('call'),
      wait: (seconds) => get(`wait ${seconds}`),
      adapt: () => adaptHttp2Session(session),
      close: () => session.destroy(),
    };
  },
};

export const ws: ClientKind = {
  reconnects: false,
  async connect({ host, setup, onLost }): Promise<Client> {
    const socket = new WebSocket(`ws://${host}:${ports.http}`);
    let reason: unknown;
    socket.on('error', (error) => {
      reason = error;
    });
    socket.on('close', (code) => onLost(reasonOf(reason ?? code)));
    await once(socket, 'open');
    if (setup === 'shortest') {
      const timer = heartbeat(
        (answered) => {
          socket.ping();
          socket.once('pong', answered);
        },
        () => socket.terminate(),
      );
      socket.on('close', () => clearInterval(timer));
    }
    const exchange = (text: string) =>
      new Promise<void>((resolve, reject) => {
        const lost = () => reject(reason ?? new Error('closed'));
        socket.once('close', lost);
        socket.once('message', () => {
          socket.off('close', lost);
          resolve();
        });
        socket.send(text);
      });
    await exchange('call');
    return {
      call: () => exchange('call'),
      wait: (seconds) => exchange(`wait ${seconds}`),
      adapt: () => webSocket(socket),
      close: () => socket.terminate(),
    };
  },
};
