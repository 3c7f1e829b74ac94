import { whyNoneServes } from '../../guard/backend-pool.js';
import type { Frontend } from '../../guard/frontend.js';
import { oneLine } from '../io/terminal-text.js';

/** Why clients cannot be served at each of these addresses; empty if they can. */
export function* frontendProblems(frontends: readonly Frontend[]): Iterable<string> {
  for (const { name, isListening, backends } of frontends) {
    if (!backends.some(({ isUp, hasGreeted }) => isUp && hasGreeted))
      yield oneLine(`${name}: no server greets: ${whyNoneServes(backends)}`);
    if (!isListening) yield `${name}: no client is accepted`;
  }
}
