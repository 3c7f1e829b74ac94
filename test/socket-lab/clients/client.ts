import type { ConnectionSource, KeepAliveTarget } from 'zeo-keepalive';

/** One client as an application uses it, with a connection of its own. */
export interface Client {
  /** A call that the server answers at once. */
  call(): Promise<unknown>;
  /** A call that the server takes some seconds for, without a byte; absent where the protocol has none. */
  wait?(seconds: number): Promise<unknown>;
  /** What an application opens in the registry to have it pinged; absent where there is no adapter. */
  adapt?(): KeepAliveTarget | ConnectionSource;
  /** It is given up without a word to the server. */
  close(): void;
}

/**
 * How a client without the agent is set up: as it comes, or with the shortest deadlines and heartbeats that its documentation
 * offers. Deadlines are 3 s, heartbeats 1 s.
 */
export const setups = ['default', 'shortest'] as const;
/** With its adapter it is as it comes, and opened in the registry. */
export type Setup = (typeof setups)[number] | 'adapter';

export interface ClientOptions {
  readonly host: string;
  readonly setup: Setup;
  /** Certificate of the authority that the TLS servers have theirs from. */
  readonly ca: string;
  /** Of a plain socket; by default any. */
  readonly localPort?: number | undefined;
  /** The client says, without having been asked, that it lost its connection. */
  readonly onLost: (reason: string) => void;
}

export interface ClientKind {
  /** Resolves when it is connected and has had an answer. */
  connect(options: ClientOptions): Promise<Client>;
  /** After a lost connection it makes another one by itself. */
  readonly reconnects: boolean;
}

export const deadlineMs = 3000;
export const heartbeatMs = 1000;

export const reasonOf = (error: unknown): string => {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return String(code ?? message ?? error ?? 'closed');
};
