/** The agent's time limits, in milliseconds. All are derived from the timeout. */
export interface Budgets {
  /** How long a peer may provably be silent after a ping. */
  readonly timeoutMs: number;
  /** How long a ping waits for the lock before it is sent without it. */
  readonly lockMs: number;
  /** Between two turns of the main loop while all pings that are out wait behind requests. */
  readonly unhurriedMs: number;
  /** How often the loop checks while a ping is out. */
  readonly tickMs: number;
  /** A turn of the main loop that takes longer than this shows that it was blocked. */
  readonly loopStallMs: number;
  /** A wake-up of the worker that is later than this shows that the process did not run. */
  readonly processStallMs: number;
  /** After a stall that lasted for the timeout, every target is pinged within this time. */
  readonly afterStallMs: number;
}

export function budgetsFor(timeoutMs: number): Budgets {
  return {
    timeoutMs,
    // Part of the second that the promised bound (period + timeout + 1 s) leaves for everything but the peer.
    lockMs: Math.min(timeoutMs / 8, 500),
    unhurriedMs: timeoutMs / 2,
    tickMs: Math.min(Math.max(timeoutMs / 10, 20), 250),
    loopStallMs: Math.min(Math.max(timeoutMs / 4, 100), 1000),
    processStallMs: Math.max(timeoutMs / 4, 250),
    afterStallMs: Math.min(timeoutMs / 8, 200),
  };
}

/** How late a watched socket whose connection is dead is found at most, in milliseconds. */
export interface SocketBounds {
  /** After the last byte, while it is idle. */
  readonly idleMs: number;
  /** After the first byte that is not acknowledged. */
  readonly inFlightMs: number;
  /** After the first byte that cannot leave this host: its link is down, or a route or firewall of its own refuses it. */
  readonly cutOffHereMs: number;
}

/**
 * @param probeDelayMs after how long without a byte the kernel sends the first keep-alive probe; then it sends one each second
 */
export function socketBounds(probeDelayMs: number, timeoutMs: number): SocketBounds {
  return {
    // Two probes take a second.
    idleMs: probeDelayMs + Math.max(timeoutMs, 1000) + 1000,
    inFlightMs: timeoutMs + 2000,
    // Three window probes, each after twice the time of the one before; then the next look, and the timeout after that.
    cutOffHereMs: Math.max(timeoutMs, 500) + timeoutMs + 3000,
  };
}
