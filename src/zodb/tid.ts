/*
 * Transaction ids: 8 bytes that encode a point in time, and sort by it.
 *
 * The upper half counts minutes in a calendar where every month has 31 days, from the year 1900; the lower
 * half is the second within the minute in units of 60/2^32 s. Source: persistent/timestamp.py, `_makeRaw`.
 */
import { isLater } from './ids.js';

const secondsPerUnit = 60 / 2 ** 32;

/** The id of a storage without transactions. */
export const zeroTid: Uint8Array = new Uint8Array(8);

/**
 * The id of the next transaction.
 *
 * @param previous the storage's last id; the next is later even if the clock is not.
 * @param nowMs milliseconds since 1970, UTC.
 */
export function nextTid(previous: Uint8Array, nowMs: number): Uint8Array {
  const now = tidAt(nowMs);
  return isLater(now, previous) ? now : successor(previous);
}

/** The id of a moment, in milliseconds since 1970, UTC. */
export function tidAt(ms: number): Uint8Array {
  const date = new Date(Math.floor(ms));
  const months = (date.getUTCFullYear() - 1900) * 12 + date.getUTCMonth();
  const days = months * 31 + date.getUTCDate() - 1;
  const minutes = (days * 24 + date.getUTCHours()) * 60 + date.getUTCMinutes();
  const seconds = (ms % 60_000) / 1000;
  return join(minutes, Math.floor(seconds / secondsPerUnit));
}

/** The moment of an id, in milliseconds since 1970, UTC: the inverse of {@link tidAt}. */
export function tidTime(tid: Uint8Array): number {
  const { minutes, units } = split(tid);
  const days = Math.floor(minutes / 1440);
  const months = Math.floor(days / 31);
  const start = Date.UTC(1900 + Math.floor(months / 12), months % 12, (days % 31) + 1, 0, minutes % 1440);
  return start + units * secondsPerUnit * 1000;
}

function successor(tid: Uint8Array): Uint8Array {
  const { minutes, units } = split(tid);
  if (units < 0xffff_ffff) return join(minutes, units + 1);
  // By the calendar: the minute after the last one of February is not the next number.
  return tidAt(tidTime(join(minutes, 0)) + 60_000);
}

function split(tid: Uint8Array): { minutes: number; units: number } {
  const view = new DataView(tid.buffer, tid.byteOffset, 8);
  return { minutes: view.getUint32(0), units: view.getUint32(4) };
}

function join(minutes: number, units: number): Uint8Array {
  const tid = new Uint8Array(8);
  const view = new DataView(tid.buffer);
  view.setUint32(0, minutes);
  view.setUint32(4, units);
  return tid;
}
