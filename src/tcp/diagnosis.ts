import { type TcpRow, TcpTimers } from './tcp-rows.js';

/** The two ports of a TCP connection. Among the sockets of one host they tell it from nearly all others. */
export interface SocketPorts {
  readonly local: number;
  readonly remote: number;
  /**
   * A number that stands for the address of the remote end: to two servers with the same port, the system may connect from the same
   * local one. 0 or absent when unknown.
   */
  readonly remoteAddress?: number | undefined;
}

/** What the system knows of a connection. */
export type TcpState = Readonly<Omit<TcpRow, 'localPort' | 'remotePort' | 'remoteAddress'>>;

/** Why the system's table of connections cannot be read. */
export interface TableFailure {
  readonly path: string;
  readonly reason: /** There is no such file: outside Linux, or where `/proc` is not mounted. */
    | 'absent'
    /** This process may not read it. */
    | 'refused'
    /** What is there is not that table, as where a sandbox has put something else in its place. */
    | 'malformed'
    /** It shows no connection of this process, as where a sandbox has a network stack of its own. */
    | 'foreign'
    /** Something else went wrong this time, as without a free file descriptor. */
    | 'failed';
  /** The system's code: `ENOENT`, `EACCES`. */
  readonly code?: string;
}

/** One look at the system's connections. */
export interface TcpTable {
  /** Why it has none, if it could not be read. */
  readonly failure?: TableFailure;
  /** `undefined`: there is no such connection, or it cannot be told from another. */
  find(ports: SocketPorts): TcpState | undefined;
}

/** Takes a look at these connections; `undefined` where the system does not tell. */
export type ReadTcpTable = (wanted: readonly SocketPorts[]) => TcpTable | undefined;

/** Why a peer was silent, as far as the system can tell at that moment. */
export type Diagnosis =
  /** Its host acknowledged the ping: the process hangs. */
  | 'peer-hangs'
  /** Nothing is acknowledged: neither what was sent again and again, nor the system's probes. */
  | 'path-or-host-gone'
  /** The system does not tell. */
  | 'unknown';

/** What a silence turns out to have been: what the system told, or what the way back showed. */
export type Cause =
  | Diagnosis
  /** The next connection to the same server succeeded at once: only this one was lost, as when a firewall forgot it. */
  | 'flow-dropped'
  /** The host is there and refuses: the server's process is gone. */
  | 'refused';

/** The cause in words, for people. */
export const causeInWords: Readonly<Record<Cause, string>> = {
  'peer-hangs': 'its host acknowledged the ping, so the server process hangs',
  'path-or-host-gone': 'nothing was acknowledged, so the host or the path to it is gone',
  unknown: 'the system does not say why',
  'flow-dropped': 'only that connection had been dropped, as by a firewall or load balancer that forgot it',
  refused: 'its host refuses connections, so the server process is gone',
};

/** How far a ping has got. */
export interface Delivery {
  readonly state: /** The peer's host has acknowledged it. */
    | 'delivered'
    /** The peer's host has no room for it: its process does not read. */
    | 'window closed'
    /** It, or what is before it, was sent again in vain. */
    | 'retransmitting'
    /** Probes that the system has sent since the last acknowledgement were not answered. */
    | 'probing'
    /** On its way out, with nothing wrong so far. */
    | 'under way'
    /** Bytes of the peer have come that this process has not read. */
    | 'unread'
    /** The system does not tell. */
    | 'unknown';
  /** How many bytes up to the ping's end have not been acknowledged, its own included. */
  readonly undelivered: number;
  /** Whether the system has all of it: until then it is this process that still has to send. */
  readonly isHandedOver: boolean;
}

/**
 * How far a ping has got.
 *
 * @param state what the system knows of its connection
 * @param sentSince the most bytes that were sent after the ping; negative: how many of those up to its end have not been sent
 */
export function deliveryOf(state: TcpState | undefined, sentSince: number): Delivery {
  const undelivered = Math.max(0, (state?.unacknowledgedBytes ?? 0) - sentSince);
  return { state: deliveryState(state, undelivered), undelivered, isHandedOver: sentSince >= 0 };
}

/** A single probe may get lost where nothing is wrong. */
export const leastProbes = 2;

function deliveryState(state: TcpState | undefined, undelivered: number): Delivery['state'] {
  if (state === undefined) return 'unknown';
  if (state.unreadBytes > 0) return 'unread';
  // A host whose window is closed answers probes of it: these are unanswered where no packet can leave this host, too.
  if (state.unansweredProbes >= leastProbes) return 'probing';
  if (undelivered === 0 && state.retransmits === 0) return 'delivered';
  if (state.timer === TcpTimers.windowProbe) return 'window closed';
  return state.retransmits > 0 ? 'retransmitting' : 'under way';
}

/**
 * The diagnosis of a silence that has lasted for the timeout; `undefined` when the system knows better than to call it one:
 * bytes that came and are not read yet, or a ping on its way out. If that stops, the system sends again within its
 * retransmission timeout, and then there is a diagnosis.
 */
export function diagnose(state: Delivery['state']): Diagnosis | undefined {
  switch (state) {
    case 'delivered':
    case 'window closed':
      return 'peer-hangs';
    case 'retransmitting':
    case 'probing':
      return 'path-or-host-gone';
    case 'unknown':
      return 'unknown';
    case 'under way':
    case 'unread':
      return undefined;
  }
}
