/** What detection is tried at: seconds between two signs of life, and how long one may be overdue. */
export const period = 1;
export const timeout = 1;

/** A library that keeps its connections alive, or is said to. Server and clients run in processes of their own. */
export interface Peer {
  readonly name: string;
  /** How it is set: the fastest that its documentation gives near the period and the timeout. */
  readonly settings: string;
  /** Starts the server on a free port of 127.0.0.1 and resolves to the port. */
  serve(): Promise<number>;
  /** Opens one connection; without its own reconnecting. */
  connect(host: string, port: number): Promise<PeerConnection>;
}

export interface PeerConnection {
  /** Resolves when the client knows that it is lost, or takes it to be. */
  readonly lost: Promise<void>;
  close(): void;
}
