/*
 * The signals of the time before a command listens for them. It imports nothing of this package: what is imported here is
 * loaded before the first signal is held.
 */
import { closeSync, openSync } from 'node:fs';

/** Whether this process had a controlling terminal when it began. */
export const hadTerminal = hasTerminal();

let isHungUp = false;

/**
 * From now on SIGHUP does not end this process, but waits for {@link releaseSignals}. SIGINT and SIGTERM end it in good order:
 * nothing has begun that has to be ended first, and the first process of a container would ignore them.
 */
export function holdSignals(): void {
  process.on('SIGHUP', onHangUp);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onEnd);
}

/** The signals have other listeners by now. If there was a SIGHUP, it is sent to them. */
export function releaseSignals(): void {
  process.off('SIGHUP', onHangUp);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onEnd);
  if (!isHungUp) return;
  isHungUp = false;
  process.kill(process.pid, 'SIGHUP');
}

function onHangUp(): void {
  isHungUp = true;
}

function onEnd(): void {
  process.exit();
}

/** Whether this process has a controlling terminal, whatever its output is. */
export function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
