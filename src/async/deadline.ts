/** A stall of this process's own loop costs the peer at most one of so many parts of its time. */
const slices = 8;

/**
 * Calls `expire` when `timeoutMs` of time have passed in which this process was listening.
 *
 * Rules:
 * - When the main loop was blocked, an expired timer fires before the reply that already lies in the socket is
 *   read. Each slice is therefore judged two `setImmediate`s later: at least one poll for I/O lies between.
 * - A slice counts as one however late its timer is: a stall of a minute is no minute in which the peer was silent.
 * - The timers hold the process, unless `holds` is false. Whoever starts a deadline ends it.
 *
 * @returns ends it; `expire` is not called afterwards
 */
export function startDeadline(timeoutMs: number, expire: () => void, holds = true): () => void {
  let left = slices;
  let timer: NodeJS.Timeout | undefined;
  let immediate: NodeJS.Immediate | undefined;

  const judge = () => {
    left -= 1;
    if (left > 0) arm();
    else expire();
  };
  const poll = () => {
    immediate = setImmediate(() => {
      immediate = setImmediate(judge);
    });
  };
  const arm = () => {
    timer = setTimeout(poll, timeoutMs / slices);
    if (!holds) timer.unref();
  };

  arm();
  return () => {
    clearTimeout(timer);
    clearImmediate(immediate);
  };
}
