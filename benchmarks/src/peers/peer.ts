/** Seconds between two signs of life, and how long one may be overdue. */
export const period = 1;
export const timeout = 1;

/** A library that keeps its connections alive, or claims to. Server and clients run in separate processes. */
export interface Peer {
  readonly name: string;
  /** Its settings: the fastest in its documentation that are near the period and the timeout. */
  readonly settings: string;
  /** Starts the server on a free port of 127.0.0.1 and resolves to the port. */
  serve(): Promise<number>;
  /** Opens one connection that does not reconnect by itself. */
  connect(host: string, port: number): Promise<PeerConnection>;
}

export interface PeerConnection {
  /** Resolves when the client considers it lost. */
  readonly lost: Promise<void>;
  close(): void;
}
