/** Sends HTTP requests as fast as it can, in turn with and without an agent that watches its connections. */
import { Agent, get } from 'node:http';
import { Pool } from 'undici';
import { serve } from '../harness/child.js';
import { inPairs } from '../harness/comparison.js';
import { threadUs } from '../harness/cpu.js';
import { SocketAgent } from '../subjects/watched-sockets.js';

interface Client {
  request(): Promise<void>;
  close(): Promise<void> | void;
}

const connections = 16;

const clients = {
  'http.Agent, keep-alive': (port) => httpClient(port, true),
  'http.Agent, a connection each': (port) => httpClient(port, false),
  undici(port) {
    const pool = new Pool(`http://127.0.0.1:${port}`, { connections });
    return {
      async request() {
        const { body } = await pool.request({ path: '/', method: 'GET' });
        await body.dump();
      },
      close: () => pool.close(),
    };
  },
} satisfies Record<string, (port: number) => Client>;

export type ClientName = keyof typeof clients;

export interface RequestOptions {
  readonly client: ClientName;
  readonly port: number;
  /** How long each of them runs at a time. */
  readonly sliceMs: number;
  /** Of each kind, watched and not. */
  readonly slices: number;
}

/** Of one slice, microseconds a request. */
export interface RequestCost {
  readonly wallUs: number;
  /** Of the main thread. */
  readonly cpuUs: number;
}

const warmUps = 4;

const api = {
  async measure({ client, port, sliceMs, slices }: RequestOptions) {
    const agent = await SocketAgent.start();
    const watched = async () => {
      using _watch = agent.watch();
      return await runSlice(clients[client](port), sliceMs);
    };
    const unwatched = () => runSlice(clients[client](port), sliceMs);
    const { before, after } = await inPairs({ slices, warmUps }, unwatched, watched);
    return { unwatched: before, watched: after };
  },
};

/** With a client of its own: the connections of another one are not watched, or are. */
async function runSlice(client: Client, ms: number): Promise<RequestCost> {
  let answered = 0;
  const startMs = performance.now();
  const startUs = threadUs(process.pid) ?? Number.NaN;
  const sendOneByOne = async () => {
    while (performance.now() - startMs < ms) {
      await client.request();
      answered += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, sendOneByOne));
  const wallUs = (performance.now() - startMs) * 1000;
  const cpuUs = (threadUs(process.pid) ?? Number.NaN) - startUs;
  await client.close();
  return { wallUs: wallUs / answered, cpuUs: cpuUs / answered };
}

function httpClient(port: number, keepAlive: boolean): Client {
  const agent = new Agent({ keepAlive, maxSockets: connections });
  return {
    request: () =>
      new Promise((resolve, reject) => {
        get({ host: '127.0.0.1', port, agent }, (response) => {
          response.once('end', resolve).resume();
        }).once('error', reject);
      }),
    close: () => agent.destroy(),
  };
}

export type RequesterApi = typeof api;
serve(api);
