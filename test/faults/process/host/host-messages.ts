/** What the runner and a host process say to each other. All times are of `monotonicNow`, which both share. */
import type { NaiveKind } from './naive-watchdog.js';

export interface HostSetup {
  /** Of the relay of each storage. */
  readonly addresses: readonly string[];
  /** Seconds. */
  readonly period: number;
  readonly timeout: number;
  /** Where naive watchdogs get their answers, and how many there are of each kind. */
  readonly naive?: { readonly port: number; readonly count: number };
  /** `default`: at the pace that a `ClientStorage` has if it is told nothing. Without it they reconnect quickly. */
  readonly reconnect?: 'default';
}

/** In what the main loop is blocked. */
export const blockings = ['timer', 'I/O callback', 'immediate', 'promise chain'] as const;
export type Blocking = (typeof blockings)[number];

export type HostCommand =
  | { readonly type: 'setUp'; readonly setup: HostSetup }
  | { readonly type: 'block'; readonly blocking: Blocking; readonly ms: number }
  /** Steps the wall clock, as somebody with `date -s` would. */
  | { readonly type: 'stepClock'; readonly byMs: number }
  /** Asks for `killed`, and forgets it. */
  | { readonly type: 'countKilled' }
  | { readonly type: 'standstill' };

/** `standstillMs`: for how long the host's loop has stood still since it began. */
export type HostMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'blocked'; readonly untilMs: number; readonly standstillMs: number }
  | { readonly type: 'clockStepped' }
  | { readonly type: 'killed'; readonly byKind: Readonly<Record<NaiveKind, number>> }
  | { readonly type: 'standstill'; readonly standstillMs: number }
  /** A storage lost its connection. */
  | {
      readonly type: 'lost';
      readonly index: number;
      readonly atMs: number;
      readonly standstillMs: number;
      readonly code: string | undefined;
      readonly message: string;
    }
  | { readonly type: 'connected'; readonly index: number; readonly atMs: number };
