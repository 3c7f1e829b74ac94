import { connect, type Socket } from 'node:net';

/** How watchdogs that ignore their own main loop judge a peer; each kind is found in the wild. */
export const naiveKinds = ['elapsed time', 'awaiting-pong flag', 'plain deadline'] as const;
export type NaiveKind = (typeof naiveKinds)[number];

/**
 * Pings a bare socket each period and kills the peer by the clock of the main loop. Killing is only counted: the
 * socket stays, so that the next stall finds as many connections.
 *
 * - elapsed time: at a ping, more than period and timeout have passed since the last byte;
 * - awaiting-pong flag: at a ping, the previous one has not been answered;
 * - plain deadline: a timer of `timeout` after each ping fires before the reply.
 */
export class NaiveWatchdog {
  killed = false;
  readonly #socket: Socket;
  #timer: NodeJS.Timeout | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #awaitingPong = false;
  #lastReceivedMs = performance.now();

  constructor(kind: NaiveKind, port: number, periodMs: number, timeoutMs: number) {
    const judge = judges[kind];
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true });
    this.#socket.on('data', () => {
      this.#awaitingPong = false;
      this.#lastReceivedMs = performance.now();
      clearTimeout(this.#deadline);
    });
    const tick = () => {
      const silentMs = performance.now() - this.#lastReceivedMs;
      if (judge({ silentMs, awaitingPong: this.#awaitingPong, limitMs: periodMs + timeoutMs })) this.#kill();
      if (kind === 'plain deadline') {
        clearTimeout(this.#deadline);
        this.#deadline = setTimeout(() => this.#kill(), timeoutMs);
      }
      this.#awaitingPong = true;
      this.#socket.write('?');
    };
    this.#timer = setTimeout(() => {
      this.#lastReceivedMs = performance.now();
      tick();
      this.#timer = setInterval(tick, periodMs);
    }, Math.random() * periodMs);
  }

  close(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#deadline);
    this.#socket.destroy();
  }

  #kill(): void {
    this.killed = true;
    this.#awaitingPong = false;
    this.#lastReceivedMs = performance.now();
  }
}

interface Sight {
  readonly silentMs: number;
  readonly awaitingPong: boolean;
  readonly limitMs: number;
}

const judges: Readonly<Record<NaiveKind, (sight: Sight) => boolean>> = {
  'elapsed time': ({ silentMs, limitMs }) => silentMs > limitMs,
  'awaiting-pong flag': ({ awaitingPong }) => awaitingPong,
  'plain deadline': () => false,
};
