import type { DatabaseRegistry } from './storage-registry.js';

/** However long the period is: who has just started it is still there to read the log. */
const patienceMs = 60_000;

/**
 * Calls `warn` when nothing has been opened in a registry for a minute: most likely the application opens its databases
 * in another one. Returns how to call that off.
 */
export function watchEmptiness(registry: DatabaseRegistry, warn: (afterMs: number) => void): () => void {
  if (registry.opened.size > 0) return () => {};
  const end = () => {
    clearTimeout(timer);
    registry.off('opened', end);
  };
  const timer = setTimeout(() => {
    end();
    warn(patienceMs);
  }, patienceMs).unref();
  registry.on('opened', end);
  return end;
}
