import type { OpenOptions } from '../../../support/python/client.js';
import type { ZeoServerOptions } from '../../../support/python/zeo-server.js';
import type { ServerKind } from '../../../support/servers.js';
import type { Computer } from '../networks/network.js';
import { RemoteProcess } from './remote-process.js';

/** Paths of files. */
export interface TlsPaths {
  readonly server: NonNullable<ZeoServerOptions['tls']>;
  readonly client: NonNullable<OpenOptions['tls']>;
}

/** Configuration of `server.ts`. */
export interface ServerConfig {
  readonly kind: ServerKind;
  /**
   * The time of the embedded server's first transaction, in milliseconds since 1970: two servers with the same time begin
   * with the same data.
   */
  readonly startedAt?: number;
  /** A client of the embedded server with more unread bytes than this is dropped. */
  readonly maxBufferedBytes?: number;
  /** ZEO's own server starts with a copy of the data in this directory. */
  readonly copyOf?: string | undefined;
  /** With which ZEO's own server speaks TLS. */
  readonly tls?: TlsPaths | undefined;
  /**
   * How long, in milliseconds, the embedded server neither reads from a client at that address nor replies to it after each of
   * its records.
   */
  readonly pauses?: Readonly<Record<string, number>>;
}

/** Changes the object that the hosts load. The reply is `committed`. */
export type ServerCommand = { readonly type: 'commit' };

export type ServerEvent =
  | {
      readonly type: 'listening';
      /** The data directory of ZEO's own server. */
      readonly directory: string | undefined;
      /** Process id of the server. */
      readonly pid: number;
    }
  /** The transaction's id, hexadecimal. */
  | { readonly type: 'committed'; readonly tid: string };

/** ZODB's root object, which every storage has. */
export const rootOid = new Uint8Array(8);

export class ServerProcess extends RemoteProcess<ServerCommand, ServerEvent> {
  /** Resolves when it listens and has one object. */
  static async start(computer: Computer, config: ServerConfig): Promise<ServerProcess> {
    const server = new ServerProcess(computer, new URL('./server.js', import.meta.url), config);
    return server.begun('a server that listens', () => server.all('listening').length > 0, 60_000);
  }

  /** Changes the object, and returns the id of the transaction, hexadecimal. */
  async commit(): Promise<string> {
    const before = this.all('committed').length;
    this.send({ type: 'commit' });
    await this.until('a commit', () => this.all('committed').length > before, 60_000);
    return this.all('committed').at(-1)?.tid as string;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    process.kill(this.pid, signal);
  }

  get pid(): number {
    return this.all('listening')[0]?.pid as number;
  }

  get directory(): string | undefined {
    return this.all('listening')[0]?.directory;
  }
}
