import { missingProgram, startReal } from '../../../dist/test/adapters/real-server.js';
import type { Figure, Target } from '../figure.js';
import { Child } from '../harness/child.js';
import { comparePairs, type Subjects } from '../harness/comparison.js';
import type { LoadedName, QuerierApi, QueryCost, SingleName } from '../processes/querier.js';
import type { Scenario, ScenarioOptions } from '../scenario.js';

export const adapters: Scenario = {
  name: 'adapters',
  title: 'Adapters for other clients',
  about:
    'What it costs to have the connections of other clients pinged, against PostgreSQL, MariaDB and Redis on this machine. *A query*: ' +
    'the smallest one, of 24 callers that call again and again, with an agent whose period is 1 s and without, in turn, in one ' +
    'process and over the same connections, from which all that a query passes through is taken away and put back; the median of ' +
    'what each pair of slices differs by. With fewer microseconds of wall time a query there are more queries a second. *A ping*: that of the adapter on an idle connection, one after the other, in ' +
    'turn with the smallest query on that connection. *CPU*: of the main thread.',
  async run(options) {
    const figures: Figure[] = [];
    for (const { program, loaded, single } of measured) {
      const missing = missingProgram(program);
      if (missing !== undefined) {
        options.progress(`without ${program}: ${missing}`);
        continue;
      }
      await using server = await startReal(program);
      figures.push(
        ...(await measureLoad(server.port, loaded, options)),
        ...(await measurePing(server.port, single, options)),
      );
    }
    return figures;
  },
};

/** A row for each client. */
const measured: readonly {
  readonly program: Parameters<typeof startReal>[0];
  readonly loaded: LoadedName;
  readonly single: SingleName;
}[] = [
  { program: 'postgresql', loaded: 'pg, a pool of 20', single: 'pg' },
  { program: 'mariadb', loaded: 'mysql2, a pool of 20', single: 'mysql2' },
  { program: 'redis', loaded: 'ioredis', single: 'ioredis' },
];

async function measureLoad(
  port: number,
  client: LoadedName,
  { quick, progress }: ScenarioOptions,
): Promise<Figure[]> {
  progress(`queries, ${client}`);
  await using child = new Child<QuerierApi>(processModule);
  const [sliceMs, slices] = quick ? [200, 2] : [250, 160];
  const costs = await child.call('load', { client, port, sliceMs, slices });
  const target = { on: 'ratio', atMost: 1.02 } as const;
  return figuresOf(['no agent', 'agent'], `a query, ${client}`, costs, target);
}

async function measurePing(
  port: number,
  client: SingleName,
  { quick, progress }: ScenarioOptions,
): Promise<Figure[]> {
  progress(`pings, ${client}`);
  await using child = new Child<QuerierApi>(processModule);
  const [sliceMs, slices] = quick ? [100, 2] : [300, 32];
  const costs = await child.call('ping', { client, port, sliceMs, slices });
  return figuresOf(['query', "adapter's ping"], `one after the other, ${client}`, costs, {
    on: 'ratio',
    atMost: 2,
  });
}

function figuresOf(
  subjects: Subjects,
  of: string,
  { before, after }: { readonly before: readonly QueryCost[]; readonly after: readonly QueryCost[] },
  target: Target,
): Figure[] {
  const both = (name: string, cost: (query: QueryCost) => number) =>
    comparePairs(subjects, { of: `${of}, ${name}`, unit: 'µs', target }, before.map(cost), after.map(cost));
  return [...both('wall time', ({ wallUs }) => wallUs), ...both('CPU', ({ cpuUs }) => cpuUs)];
}

const processModule = new URL('../processes/querier.js', import.meta.url);
