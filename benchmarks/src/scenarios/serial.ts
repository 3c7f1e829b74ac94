import type { Figure } from '../figure.js';
import { Child } from '../harness/child.js';
import { PythonScript } from '../harness/python.js';
import { interleave, summary } from '../harness/repetitions.js';
import { openServer, type ServerKind } from '../harness/servers.js';
import type { SerialApi } from '../processes/serial.js';
import type { Scenario } from '../scenario.js';

export const serial: Scenario = {
  name: 'serial',
  title: "One ping after the other, compared with ZEO's Python client",
  about:
    "Wall time of one storage's ping (load lock, get_info, reply, unlock), the next as soon as the previous one is answered. " +
    "*Agent's ping* is what the agent does for each ping on the main thread, its bookkeeping for the worker included; *Python* " +
    'is the body of the loop of 2005 over ZEO’s own `ClientStorage`. Both use the same server.',
  needsPython: true,
  async run({ quick, progress }) {
    const figures: Figure[] = [];
    for (const kind of ['embedded', 'python'] as const)
      figures.push(...(await compare(kind, quick, progress)));
    return figures;
  },
};

async function compare(
  kind: ServerKind,
  quick: boolean,
  progress: (line: string) => void,
): Promise<Figure[]> {
  const of = kind === 'embedded' ? 'embedded server' : "ZEO's server";
  const count = quick ? 200 : 3000;
  await using server = await openServer(kind);
  await using node = new Child<SerialApi>(new URL('../processes/serial.js', import.meta.url));
  await node.call('open', { address: server.address });
  await using python = new PythonScript('pings.py', [server.address]);
  await python.nextLine();
  const variants = [
    { name: 'Python', measure: () => pythonUs(python, count) },
    { name: "agent's ping", measure: () => node.call('ping', { count }) },
  ];
  // The first round compiles the code.
  await interleave(variants, 1, () => {});
  const us = await interleave(variants, quick ? 2 : 15, (line) => progress(`${of}: ${line}`));
  const baseline = { subject: 'Python', value: summary(us.get('Python') as number[]).value };
  return [
    { subject: 'Python', of, ...summary(us.get('Python') as number[]), unit: 'µs' },
    {
      subject: "agent's ping",
      of,
      ...summary(us.get("agent's ping") as number[]),
      unit: 'µs',
      baseline,
      target: { on: 'ratio', atMost: 0.5 },
    },
  ];
}

async function pythonUs(python: PythonScript, count: number): Promise<number> {
  python.write({ count });
  return (await python.nextLine<{ us: number }>()).us;
}
