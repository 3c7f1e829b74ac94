/** The timeout is measured in this many slices; a stall of the main loop costs the peer one of them at most. */
const slices = 8;

/**
 * Calls `expire` after `timeoutMs` in which this process was listening.
 *
 * Rules:
 * - After the main loop was blocked, an expired timer fires before the reply that is already in the socket is read. So each
 *   slice ends two `setImmediate`s after its timer: at least one poll for I/O lies between.
 * - A slice counts as one, however late its timer is: a stall of a minute is not a minute of the peer's silence.
 * - The timers keep the process alive unless `holds` is false. The caller must end the deadline.
 *
 * @returns the function that ends the deadline; `expire` is not called afterwards
 */
export function startDeadline(timeoutMs: number, expire: () => void, holds = true): () => void {
  let left = slices;
  let timer: NodeJS.Timeout | undefined;
  let immediate: NodeJS.Immediate | undefined;

  const endSlice = () => {
    left -= 1;
    if (left > 0) arm();
    else expire();
  };
  const poll = () => {
    immediate = setImmediate(() => {
      immediate = setImmediate(endSlice);
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

/**
 * Runs an operation with a signal that aborts when one of `signals` does, with its reason, or after `timeoutMs` in which this
 * process was listening, with the error that `late` returns.
 *
 * @throws the reason of a signal that has aborted already; what the operation rejects with
 */
export async function withDeadline<T>(
  timeoutMs: number,
  late: () => Error,
  signals: readonly AbortSignal[],
  operation: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const onAbort = ({ target }: Event) => controller.abort((target as AbortSignal).reason);
  for (const signal of signals) signal.throwIfAborted();
  for (const signal of signals) signal.addEventListener('abort', onAbort);
  const endDeadline = startDeadline(timeoutMs, () => controller.abort(late()));
  try {
    return await operation(controller.signal);
  } finally {
    endDeadline();
    for (const signal of signals) signal.removeEventListener('abort', onAbort);
  }
}
