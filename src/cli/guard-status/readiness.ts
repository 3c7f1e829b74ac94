import { whyNoneServes } from '../../guard/backend-pool.js';
import type { Frontend } from '../../guard/frontend.js';
import { explain } from '../io/format.js';
import { oneLine } from '../io/terminal-text.js';

/**
 * Why clients cannot be served at each of these addresses; empty if they can.
 *
 * @param shortageOf why no client is accepted, unless it is because no server greets
 */
export function* frontendProblems(
  frontends: readonly Frontend[],
  shortageOf: (frontend: Frontend) => Error | undefined,
): Iterable<string> {
  for (const frontend of frontends) {
    const { name, isListening, backends } = frontend;
    if (!backends.some(({ isUp, hasGreeted }) => isUp && hasGreeted))
      yield oneLine(`${name}: no server greets: ${whyNoneServes(backends)}`);
    if (isListening) continue;
    const shortage = shortageOf(frontend);
    yield `${name}: no client is accepted${shortage === undefined ? '' : `: ${explain(shortage)}`}`;
  }
}
