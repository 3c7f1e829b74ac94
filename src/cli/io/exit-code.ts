/** Exit codes of `watch` and `demo`. `check` has those of a monitoring plugin. */
export const exitCode = {
  /** Ended on request: by Ctrl-C, SIGTERM, or because the reader of its output has closed it. */
  done: 0,
  /**
   * Failed: the port for the metrics is in use, the output is on a full disk, the demonstration did not go as promised.
   */
  failed: 1,
  /** Usage error: an unknown option, or an invalid address, setting or configuration. */
  usage: 2,
} as const;

/**
 * Exit codes of `check` and their names, from the Monitoring Plugins Development Guidelines, "Plugin Return Codes". In order
 * of severity.
 */
export const pluginStates = [
  { exitCode: 0, word: 'OK' },
  { exitCode: 1, word: 'WARNING' },
  { exitCode: 3, word: 'UNKNOWN' },
  { exitCode: 2, word: 'CRITICAL' },
] as const;

export type PluginState = (typeof pluginStates)[number]['word'];

/** The worst of the states; `UNKNOWN` if there are none. */
export function worstOf(states: readonly PluginState[]): PluginState {
  const worst = Math.max(-1, ...states.map(severity));
  return pluginStates[worst]?.word ?? 'UNKNOWN';
}

/** The exit code of a state. */
export function pluginExitCode(state: PluginState): number {
  return pluginStates[severity(state)]?.exitCode ?? 3;
}

function severity(state: PluginState): number {
  return pluginStates.findIndex(({ word }) => word === state);
}
