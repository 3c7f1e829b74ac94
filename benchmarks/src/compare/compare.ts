import { fileURLToPath } from 'node:url';
import { commitOf } from '../environment.js';
import { ownProcesses } from '../harness/child.js';
import { interleave } from '../harness/repetitions.js';
import type { Scenario, ScenarioOptions } from '../scenario.js';
import { CommitBuild } from './commit-build.js';
import { changeInWords, type Paired, pairedTable } from './paired.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** An even number, so that each of the two begins as many rounds as the other. */
const rounds = 6;

/** Measures a commit and the working tree in turn, and resolves to a table of both. */
export async function compare(
  commit: string,
  scenarios: readonly Scenario[],
  { quick, progress }: ScenarioOptions,
): Promise<string> {
  using build = await CommitBuild.of(commit, root);
  const { name, processes } = build;
  const own = `working tree, ${commitOf(root)}`;
  const rows: Paired[] = [];
  for (const { name: scenario, compared } of scenarios) {
    for (const { of, unit, measure } of compared?.(quick) ?? []) {
      const variants = [
        { name, measure: () => measure(processes) },
        { name: own, measure: () => measure(ownProcesses) },
      ];
      const costs = await interleave(variants, quick ? 1 : rounds, (line) =>
        progress(`${scenario}, ${of}: ${line}`),
      );
      const row = { scenario, of, unit, before: costs.get(name) ?? [], after: costs.get(own) ?? [] };
      rows.push(row);
      // At once: it takes long until the table comes.
      progress(`${scenario}, ${of}: ${changeInWords(row)}`);
    }
  }
  return pairedTable(rows, [name, own]);
}
