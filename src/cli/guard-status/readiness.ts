import type { Frontend } from '../../guard/frontend.js';
import { explain } from '../io/format.js';

/** Why clients cannot be served at each of these addresses; empty if they can. */
export function* frontendProblems(frontends: readonly Frontend[]): Iterable<string> {
  for (const { name, isListening, backends } of frontends) {
    if (!isListening) yield `${name}: no client is accepted`;
    if (backends.some(({ isUp, hasGreeted }) => isUp && hasGreeted)) continue;
    const error = backends.find((backend) => backend.error !== undefined)?.error;
    yield `${name}: ${error === undefined ? 'no server has greeted yet' : `no server greets: ${explain(error)}`}`;
  }
}
