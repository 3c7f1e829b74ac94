/** The two ports of a TCP connection. Among the sockets of one host they tell it from nearly all others. */
export interface SocketPorts {
  readonly local: number;
  readonly remote: number;
}

/** What the system knows of a connection that is silent. */
export interface TcpState {
  /** Bytes sent that the peer's host has not acknowledged. */
  readonly unacknowledgedBytes: number;
  /** How often in a row they were sent again in vain. */
  readonly retransmits: number;
  /** The peer's host acknowledges, and has no room for more: its process does not read. */
  readonly windowClosed: boolean;
  /** Bytes received that this process has not read. */
  readonly unreadBytes: number;
}

/** One look at the system's connections. */
export interface TcpTable {
  /** `undefined`: there is no such connection, or it cannot be told from another. */
  find(ports: SocketPorts): TcpState | undefined;
}

/** Takes a look at these connections; `undefined` where the system does not tell. */
export type ReadTcpTable = (wanted: readonly SocketPorts[]) => TcpTable | undefined;

/** Why a peer was silent, as far as the system can tell at that moment. */
export type Diagnosis =
  /** Its host acknowledged the ping: the process hangs. */
  | 'peer-hangs'
  /** The ping was sent again and again, and never acknowledged. */
  | 'path-or-host-gone'
  /** The system does not tell. */
  | 'unknown';

/** What a silence turns out to have been: what the system told, or what the way back showed. */
export type Cause =
  | Diagnosis
  /** The next connection to the same server was had at once: only this one was lost, as when a firewall forgot it. */
  | 'flow-dropped'
  /** The host is there and refuses: the server's process is gone. */
  | 'refused';

/** The cause in words, for people. */
export const causeInWords: Readonly<Record<Cause, string>> = {
  'peer-hangs': 'its host acknowledged the ping, so the server process hangs',
  'path-or-host-gone': 'nothing acknowledged the ping, so the host or the way to it is gone',
  unknown: 'the system cannot tell why',
  'flow-dropped': 'only that connection had been dropped, as by a firewall or load balancer that forgot it',
  refused: 'its host refuses connections, so the server process is gone',
};

/**
 * The diagnosis of a silence; `undefined` when the system knows better than to call it one: bytes that came and are not
 * read yet, or the ping itself still on its way out, behind others that the peer's host goes on acknowledging, as with a
 * long upload. If it stops, the system sends again within its retransmission timeout, and then there is a diagnosis.
 *
 * @param sentSince so many bytes were sent after the ping: no more than those unacknowledged, and it has arrived
 */
export function diagnose(state: TcpState | undefined, sentSince = 0): Diagnosis | undefined {
  if (state === undefined) return 'unknown';
  if (state.unreadBytes > 0) return undefined;
  const isDelivered = state.unacknowledgedBytes <= sentSince && state.retransmits === 0;
  if (isDelivered || state.windowClosed) return 'peer-hangs';
  return state.retransmits > 0 ? 'path-or-host-gone' : undefined;
}
