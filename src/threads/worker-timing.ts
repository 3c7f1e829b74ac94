/** The time limits of the worker host, in milliseconds. */
export interface Timing {
  /** How long to wait for the thread's error after its port has closed. */
  readonly causeMs: number;
  readonly firstRetryMs: number;
  /** The delay may grow to this even with a shorter period: a thread costs more than a ping. */
  readonly shortestLastRetryMs: number;
  readonly longestRetryMs: number;
  /** How long a new thread may take to come up on a busy machine. */
  readonly startMs: number;
  /** How late a sweep may be before the worker is asked whether it is running. */
  readonly latenessMs: number;
  /** How long the worker may take to answer that. */
  readonly answerMs: number;
  /** After a thread that was up for longer than this, the retry delay starts again at the shortest. */
  readonly healthyMs: number;
  /** How long `stop` waits for threads that do not exit. */
  readonly exitMs: number;
}

export const defaultTiming: Timing = {
  causeMs: 50,
  firstRetryMs: 100,
  shortestLastRetryMs: 500,
  longestRetryMs: 60_000,
  startMs: 30_000,
  latenessMs: 500,
  answerMs: 1000,
  healthyMs: 60_000,
  exitMs: 5000,
};
