import { preparePythons, zeoVersions } from '../support/python/environments.js';
import { type Group, groups } from './groups.js';
import { notApplicable, notThroughGuard } from './not-applicable.js';
import { type Encoding, isGuarded, runSuite, type Server, servers } from './suite-run.js';

/**
 * `npm run test:zeo -- real|guard|passthrough|embedded [6.2|5.4.1] [Z5|M5] [group] [words…]`: ZEO's tests whose ids contain
 * one of the words, or all, against ZEO's own server, directly or through `zeo-keepalive guard`, or against the embedded one,
 * one line each. `passthrough` is guard with `--tls-passthrough`. A failure with `real` as well is the fault of the test; what
 * fails through guard is run with `real` right away.
 */
const [first, ...rest] = process.argv.slice(2);
const server = servers.find((known) => known === first);
const version = zeoVersions.find((known) => rest.includes(known)) ?? '6.2';
const encoding = (rest.find((word) => word === 'Z5' || word === 'M5') ?? 'Z5') as Encoding;
const wanted = rest.filter((word) => groups.includes(word as Group));
const words = rest.filter((word) => word !== encoding && word !== version && !groups.includes(word as Group));

if (server === undefined) throw new RangeError(`Expected ${servers.join(', ')}, received ${first}`);
const { executable, missing } = (await preparePythons())[version];
if (executable === undefined) throw new Error(missing);

const exceptions: Readonly<Record<Server, Readonly<Record<string, string>>>> = {
  real: {},
  guard: notThroughGuard,
  passthrough: {},
  embedded: notApplicable,
};

/** Whether a test passes when its clients are connected to the server itself. */
async function passesDirectly(group: string, id: string): Promise<boolean> {
  for await (const event of runSuite(executable as string, ['real', group, id], encoding))
    if ('ended' in event && event.ended === id) return event.outcome === 'passed';
  return false;
}

const totals = { passed: 0, failed: 0, skipped: 0, relayed: 0, pings: 0 };
for (const group of wanted.length > 0 ? wanted : groups) {
  const began = performance.now();
  const before = { ...totals };
  for await (const event of runSuite(executable, [server, group, ...words], encoding)) {
    if ('missing' in event) throw new Error(event.missing);
    if (!('ended' in event)) continue;
    let reason = exceptions[server][event.ended];
    if (event.outcome === 'failed' && isGuarded(server) && reason === undefined)
      if (!(await passesDirectly(group, event.ended))) reason = `fails directly, too: ${event.detail}`;
    const outcome = reason !== undefined && event.outcome === 'failed' ? 'skipped' : event.outcome;
    totals[outcome] += 1;
    totals.relayed += event.relayed ?? 0;
    totals.pings += event.pings ?? 0;
    const seconds = (event.milliseconds / 1000).toFixed(2).padStart(7);
    console.log(`${outcome.padEnd(7)} ${seconds} s  ${event.ended}`);
    const detail = reason ?? event.detail;
    if (detail !== null) console.log(detail.replace(/^/gm, '    '));
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  const counts = Object.entries(totals)
    .filter(([name]) => isGuarded(server) || (name !== 'relayed' && name !== 'pings'))
    .map(([name, count]) => `${count - before[name as keyof typeof before]} ${name}`);
  console.log(`${group}, ${encoding}, ${version}, ${server}: ${counts.join(', ')}, in ${seconds} s`);
}
if (totals.failed > 0) process.exitCode = 1;
