import { preparePythons } from '../support/python/environments.js';
import { type Group, groups } from './groups.js';
import { notApplicable } from './not-applicable.js';
import { type Encoding, runSuite } from './suite-run.js';

/**
 * `npm run test:zeo -- real|embedded [Z5|M5] [group] [words…]`: ZEO's tests whose ids contain one of the words, or all,
 * against ZEO's own server or the embedded one, one line each. A failure with `real` as well is the fault of the test.
 */
const [server, ...rest] = process.argv.slice(2);
const encoding = (rest.find((word) => word === 'Z5' || word === 'M5') ?? 'Z5') as Encoding;
const wanted = rest.filter((word) => groups.includes(word as Group));
const words = rest.filter((word) => word !== encoding && !groups.includes(word as Group));

if (server !== 'real' && server !== 'embedded')
  throw new RangeError(`Expected real or embedded, received ${server}`);
const { executable, missing } = (await preparePythons())['6.2'];
if (executable === undefined) throw new Error(missing);

const totals = { passed: 0, failed: 0, skipped: 0 };
for (const group of wanted.length > 0 ? wanted : groups) {
  const began = performance.now();
  const before = { ...totals };
  for await (const event of runSuite(executable, [server, group, ...words], encoding)) {
    if ('missing' in event) throw new Error(event.missing);
    if (!('ended' in event)) continue;
    const reason = server === 'embedded' ? notApplicable[event.ended] : undefined;
    const outcome = reason !== undefined && event.outcome === 'failed' ? 'skipped' : event.outcome;
    totals[outcome] += 1;
    const seconds = (event.milliseconds / 1000).toFixed(2).padStart(7);
    console.log(`${outcome.padEnd(7)} ${seconds} s  ${event.ended}`);
    const detail = reason ?? event.detail;
    if (detail !== null) console.log(detail.replace(/^/gm, '    '));
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  const counts = Object.entries(totals).map(
    ([outcome, count]) => `${count - before[outcome as keyof typeof before]} ${outcome}`,
  );
  console.log(`${group}, ${encoding}, ${server}: ${counts.join(', ')}, in ${seconds} s`);
}
if (totals.failed > 0) process.exitCode = 1;
