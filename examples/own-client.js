/**
 * Keeps a connection other than ZEO's alive: any long-lived connection that can be pinged. This is a client of a server that
 * replies to each line, as Redis replies to `PING`.
 *
 *     node examples/own-client.js 6379
 */
import { connect } from 'node:net';
import { databases, startThread } from 'zeo-keepalive';

/** Implements `KeepAliveTarget`. */
class LineClient {
  generation = 0;
  ready = false;
  lastReceivedAt = undefined;
  #waiting = [];

  constructor(port) {
    this.port = port;
    this.#connect();
  }

  /** One round trip. Rejects if the connection is lost, and with `signal.reason` if the agent gives up on it. */
  ping(signal) {
    return new Promise((resolve, reject) => {
      if (!this.ready) return reject(new Error('Not connected'));
      this.#waiting.push({ resolve, reject });
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      this.socket.write('PING\r\n');
    });
  }

  /** Called when the agent has found the connection dead. A later connection must not be touched. */
  drop(error, generation) {
    if (generation === this.generation) this.socket.destroy(error);
  }

  close() {
    this.closed = true;
    this.socket.destroy();
  }

  #connect() {
    this.socket = connect(this.port, '127.0.0.1')
      .on('connect', () => {
        this.generation += 1;
        this.ready = true;
      })
      .on('data', (chunk) => {
        this.lastReceivedAt = performance.now();
        for (const byte of chunk) if (byte === 10) this.#waiting.shift()?.resolve();
      })
      .on('error', (error) => {
        this.lastError = error;
      })
      .on('close', () => {
        this.ready = false;
        for (const { reject } of this.#waiting.splice(0)) reject(this.lastError ?? new Error('Closed'));
        if (!this.closed) setTimeout(() => this.#connect(), 200);
      });
  }
}

const [port = '6379', period = '10'] = process.argv.slice(2);
databases.open('lines', new LineClient(Number(port)));
const agent = startThread(Number(period));
agent?.on('pingSucceeded', ({ roundTripMs }) => console.log(`answered in ${roundTripMs} ms`));
agent?.on('connectionDied', ({ error }) => console.log(`dead: ${error.message}`));
process.once('SIGINT', () => databases.close('lines'));
