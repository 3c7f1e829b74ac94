/** With what `watch` and `demo` end. `check` has the codes of a monitoring plugin instead. */
export const exitCode = {
  /** Ended as it was asked to: by Ctrl-C, SIGTERM, or because nobody reads its output any more. */
  done: 0,
  /**
   * Something did not work: the port for the metrics is taken, the output is on a full disk, the demonstration did not keep its
   * promise.
   */
  failed: 1,
  /** It was called wrongly: an unknown option, an address, a setting or a configuration that cannot be understood. */
  usage: 2,
} as const;

/**
 * With what `check` ends, and the word for it: the Monitoring Plugins Development Guidelines, "Plugin Return Codes".
 * In the order of how bad they are.
 */
export const pluginStates = [
  { exitCode: 0, word: 'OK' },
  { exitCode: 1, word: 'WARNING' },
  { exitCode: 3, word: 'UNKNOWN' },
  { exitCode: 2, word: 'CRITICAL' },
] as const;

export type PluginState = (typeof pluginStates)[number]['word'];

/** The worst of several; of none, what is not known. */
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
