/** Messages between the runner and a host process. All times are those of `monotonicNow`, which both share. */
import type { NaiveKind } from './naive-watchdog.js';

export interface HostSetup {
  /** The address of the relay for each storage. */
  readonly addresses: readonly string[];
  /** Seconds. */
  readonly period: number;
  readonly timeout: number;
  /** The echo server for naive watchdogs, and how many there are of each kind. */
  readonly naive?: { readonly port: number; readonly count: number };
  /** `default`: the reconnect delays that `ClientStorage` has by default. Otherwise they are short. */
  readonly reconnect?: 'default';
}

/** The kind of callback that blocks the main loop. */
export const blockings = ['timer', 'I/O callback', 'immediate', 'promise chain'] as const;
export type Blocking = (typeof blockings)[number];

export type HostCommand =
  | { readonly type: 'setUp'; readonly setup: HostSetup }
  | { readonly type: 'block'; readonly blocking: Blocking; readonly ms: number }
  /** Steps the wall clock, as `date -s` would. */
  | { readonly type: 'stepClock'; readonly byMs: number }
  /** Requests `killed`, and resets the counts. */
  | { readonly type: 'countKilled' }
  | { readonly type: 'stalledTime' };

/** `stalledMs`: how long the host's loop has been stalled in all. */
export type HostMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'blocked'; readonly untilMs: number; readonly stalledMs: number }
  | { readonly type: 'clockStepped' }
  | { readonly type: 'killed'; readonly byKind: Readonly<Record<NaiveKind, number>> }
  | { readonly type: 'stalledTime'; readonly stalledMs: number }
  /** A storage lost its connection. */
  | {
      readonly type: 'lost';
      readonly index: number;
      readonly atMs: number;
      readonly stalledMs: number;
      readonly code: string | undefined;
      readonly message: string;
    }
  | { readonly type: 'connected'; readonly index: number; readonly atMs: number };
