/**
 * What a row of the kernel's table proves of a connection, by the kernel's own account: it counts, and the counts are of its
 * own timers. These run while this process is stopped, and stand still while the machine does.
 *
 * All durations are lower bounds: a timer may be late, and is never early.
 */
import { leastProbes, type TcpState } from '../tcp/diagnosis.js';
import { TcpTimers } from '../tcp/tcp-rows.js';

/** Between two keep-alive probes, and before the first one, there are whole seconds (`TCP_KEEPINTVL`, `TCP_KEEPIDLE`). */
const leastProbeIntervalMs = 1000;
/**
 * Window probes are sent where the peer has no room, and where packets cannot leave this host. They follow each other after
 * at least twice the least timeout and ever more slowly (`tcp_probe0_when`), or half a second after one that this host's own
 * queue has refused.
 */
const leastWindowProbeIntervalMs = 400;
/**
 * How much later than it reads a timer may fire: what is left of it is in hundredths of a second, rounded down, and was
 * counted in jiffies, which are as long at most.
 */
const timerRoundingMs = 20;
/** So slow are they that two lost ones may last for minutes: the silence counts from the third. */
const leastWindowProbes = 3;
/** The least retransmission timeout (`TCP_RTO_MIN`), but where the system was told otherwise. */
export const usualLeastTimeoutMs = 200;

/** Whether bytes were sent again and not acknowledged. A peer that does not read is a different matter: it answers. */
export function isResending({ timer, retransmits, unacknowledgedBytes }: TcpState): boolean {
  return timer !== TcpTimers.windowProbe && retransmits > 0 && unacknowledgedBytes > 0;
}

/** Whether probes were not answered: a keep-alive probe, or several of a window. A living host answers both. */
export function isProbing({ timer, unansweredProbes }: TcpState): boolean {
  return unansweredProbes >= (timer === TcpTimers.windowProbe ? leastWindowProbes : 1);
}

/** Whether it is more than one lost packet. */
export function isEnough(row: TcpState): boolean {
  if (isResending(row)) return true;
  return isProbing(row) && row.unansweredProbes >= leastProbes && answerOverdueInMs(row) <= 0;
}

/**
 * In how many milliseconds the answer to the last probe is overdue. It only matters of the second keep-alive probe: one was
 * lost, and this one's answer may be on its way. Of a later one, those before it are.
 */
export function answerOverdueInMs(row: TcpState): number {
  const { timer, unansweredProbes, retransmissionTimeoutMs } = row;
  if (timer !== TcpTimers.keepAlive || unansweredProbes !== leastProbes) return 0;
  return retransmissionTimeoutMs - sinceTimerMs(row);
}

/**
 * For how long nothing has been acknowledged since the first retransmission, or the first of these probes.
 *
 * @param leastTimeoutMs what the retransmission timeout has never been below
 */
export function unansweredMs(row: TcpState, leastTimeoutMs: number): number {
  const { timer, retransmits, unansweredProbes } = row;
  const resendingMs = isResending(row) ? timeoutsMs(row, retransmits - 1, leastTimeoutMs) : 0;
  const probingMs =
    timer === TcpTimers.keepAlive
      ? Math.max(0, unansweredProbes - 1) * leastProbeIntervalMs
      : Math.max(0, unansweredProbes - leastWindowProbes) * leastWindowProbeIntervalMs;
  return Math.max(resendingMs, probingMs) + sinceTimerMs(row);
}

/** How long it takes a connection on which all was acknowledged to get there. */
export function sinceAcknowledgedMs(row: TcpState, leastTimeoutMs: number): number {
  const { timer, retransmits, unansweredProbes } = row;
  const resendingMs = isResending(row) ? timeoutsMs(row, retransmits, leastTimeoutMs) : 0;
  // Where bytes are sent again they may have been probes of either kind.
  const probingMs =
    timer === TcpTimers.keepAlive
      ? unansweredProbes * leastProbeIntervalMs
      : Math.max(0, unansweredProbes - 1) * leastWindowProbeIntervalMs;
  return Math.max(resendingMs, probingMs) + sinceTimerMs(row);
}

/**
 * How long the timeouts before this one were: each at least half of the next. Where a router says that there is no way, they
 * do not double (`tcp_ld_RTO_revert`), and then it is their number that counts.
 */
function timeoutsMs({ retransmissionTimeoutMs }: TcpState, count: number, leastMs: number): number {
  return Math.max(retransmissionTimeoutMs * (1 - 2 ** -count), count * leastMs);
}

/** Since the last retransmission or probe, when the timer for the next one was set. */
function sinceTimerMs(row: TcpState): number {
  return Math.max(0, timerIntervalMs(row) - row.timerMs - timerRoundingMs);
}

/** What the timer was set to; 0 where it does not follow a retransmission or a probe that was not answered. */
function timerIntervalMs(row: TcpState): number {
  if (row.timer === TcpTimers.retransmission && isResending(row)) return row.retransmissionTimeoutMs;
  return row.timer === TcpTimers.keepAlive && isProbing(row) ? leastProbeIntervalMs : 0;
}
