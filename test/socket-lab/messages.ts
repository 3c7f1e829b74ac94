/* What the processes of the lab say to each other. */
import type { SocketBounds } from 'zeo-keepalive';
import type { ClientName } from './clients/all.js';
import type { Setup } from './clients/client.js';

export interface NodeServersConfig {
  readonly cert: string;
  readonly key: string;
}

export type ServersEvent = { readonly type: 'listening' };

/** What `app.ts` is started with. */
export interface AppConfig {
  /** Certificate of the authority. */
  readonly ca: string;
}

/** A client is known by its number. */
export type AppCommand =
  | {
      readonly type: 'connect';
      readonly id: number;
      readonly name: ClientName;
      readonly host: string;
      readonly setup: Setup;
      /** For a plain socket: the local port to take. */
      readonly localPort?: number;
    }
  /** Answered by `called`, and `settled` when it has ended. */
  | { readonly type: 'call'; readonly id: number }
  /** A call that the server takes so long for. Answered likewise. */
  | { readonly type: 'wait'; readonly id: number; readonly seconds: number }
  /** So many callers make one call after the other for that time. Answered by `loaded`. */
  | { readonly type: 'load'; readonly id: number; readonly callers: number; readonly seconds: number }
  | { readonly type: 'close'; readonly id: number }
  /** Answered by `marked`. */
  | { readonly type: 'mark'; readonly id: number }
  /** Blocks the main loop, right after a call by each of these clients. Answered by `blocked` and `settled`. */
  | { readonly type: 'block'; readonly ms: number; readonly callers: readonly number[] };

export interface Moment {
  /** By `systemClock`, which all processes of the machine share. */
  readonly atMs: number;
  /** For how long the main loop had not turned until then. */
  readonly stalledMs: number;
}

/** What the application sees of its clients. */
export type AppEvent =
  | { readonly type: 'ready'; readonly pid: number }
  | { readonly type: 'connected'; readonly id: number }
  | ({ readonly type: 'called'; readonly id: number } & Moment)
  | ({ readonly type: 'settled'; readonly id: number; readonly error: string | undefined } & Moment)
  /** The client reports, without having been asked, that it lost its connection. */
  | ({ readonly type: 'lost'; readonly id: number; readonly by: string } & Moment)
  | { readonly type: 'loaded'; readonly id: number; readonly calls: number; readonly failedCalls: number }
  | ({ readonly type: 'marked'; readonly id: number } & Moment)
  | ({ readonly type: 'blocked' } & Moment);

/** For `witness.ts`, among the application's commands: to end the agent's thread; to look at the agent's status. */
export interface WitnessCommand {
  readonly type: 'endThread' | 'look';
}

/** What the agent in the same process does; sent by `witness.ts`. */
export type WitnessEvent =
  /** Its thread has just been made. Without bounds where it watches no sockets. */
  | { readonly type: 'started'; readonly socketBounds: SocketBounds | undefined }
  | { readonly type: 'threadStarted' }
  | {
      readonly type: 'status';
      /** Of targets and watched sockets. */
      readonly connections: number;
      /** How many of them have been answered a ping. */
      readonly answered: number;
      readonly detectionBoundMs: number;
      readonly hangBoundMs: number;
    }
  | ({
      readonly type: 'died';
      readonly address: string;
      readonly silentMs: number;
      readonly diagnosis: string;
      readonly message: string;
    } & Moment);
