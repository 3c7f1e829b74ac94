import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { listOfSkips, type Skip } from './skips.js';
import { type Python, preparePythons } from './support/python/environments.js';

/**
 * `npm test [-- [--no-skips] words…]`: runs the test files whose path contains one of the words, or all of them but those
 * of the packed package, which `npm run test:package` packs for them.
 *
 * `npm run test:unit` (`--unit`) leaves out what needs Python, root, servers of others or much time: for the first look at a
 * change, on any system.
 *
 * Fails on a failed test, on a file without a test, when nothing ran, and, with `--no-skips` or
 * `ZEO_TESTS_REQUIRE_ALL=1`, on a skipped test.
 */

/** No file of this suite needs a third of it on a busy machine; it is there so that nothing hangs for ever. */
const fileTimeoutMs = 180_000;

const root = fileURLToPath(new URL('../../', import.meta.url));
const words = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const isUnit = process.argv.includes('--unit');
const requireAll = process.argv.includes('--no-skips') || process.env.ZEO_TESTS_REQUIRE_ALL === '1';

/** Tests of whole processes and of what others wrote. */
const beyondUnits =
  /^(cli|faults|guard-lab|adapter-lab|socket-lab|interop|package|zeo-suite|docs)|^guard\/(python-clients|network-faults|relay|frontend|restart|pass-through|python-tls)|^agent\/(host-process|two-copies|with-zeo|keep-alive|status|events|watch-sockets)|^observability\/metrics|^threads\/worker|python-records|with-z|tls\.test|hostile/;

/** Built test files, without those whose source has been deleted since. */
function testFiles(): string[] {
  const built = path.join(root, 'dist/test');
  return readdirSync(built, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.js'))
    .filter((name) => existsSync(path.join(root, 'test', name.replace(/\.js$/, '.ts'))))
    .filter((name) => (words.length === 0 ? !name.startsWith('package') : words.some(isIn(name))))
    .filter((name) => !isUnit || !beyondUnits.test(name.replaceAll('\\', '/')))
    .map((name) => path.join(built, name))
    .sort();
}

const isIn = (name: string) => (word: string) => path.join('test', name).includes(word);

const relative = (file: string | undefined) => (file === undefined ? '' : path.relative(root, file));

const pythons: Readonly<Record<string, Python>> = isUnit ? {} : await preparePythons();
for (const [version, { missing }] of Object.entries(pythons)) {
  if (missing !== undefined) console.error(`Without ZEO ${version}: ${missing}`);
}

const files = testFiles();
const running = new Set<string>();
const skipped: Skip[] = [];
const empty: string[] = [];
const totals: string[] = [];
let passed = 0;
let failed = 0;
let broken = false;

async function* events() {
  // One more than there are cores: most files wait most of the time.
  const stream = run({ files, concurrency: availableParallelism() + 1, timeout: fileTimeoutMs });
  for await (const event of stream) {
    if (event.type === 'test:fail') broken = true;
    if (event.type === 'test:dequeue') running.add(`${relative(event.data.file)}: ${event.data.name}`);
    if (event.type === 'test:pass' || event.type === 'test:fail') {
      const { name, file, skip, details } = event.data;
      running.delete(`${relative(file)}: ${name}`);
      if (skip !== undefined && skip !== false)
        skipped.push({ test: `${relative(file)}: ${name}`, reason: reason(skip) });
      else if (event.type === 'test:fail') failed += details.type === 'suite' ? 0 : 1;
      else if (name === file) empty.push(relative(file));
      else if (details.type !== 'suite') passed += 1;
      // The tests that it was in the middle of are the ones that hang.
      if (event.type === 'test:fail' && name === file) reportRunning(relative(file));
    }
    // The totals are said last, after the reporter's list of failures.
    const isTotal =
      event.type === 'test:diagnostic' &&
      event.data.nesting === 0 &&
      /^[a-z_]+ [\d.]+$/.test(event.data.message);
    if (isTotal) totals.push(event.data.message);
    else yield event;
  }
}

function reason(skip: string | boolean): string {
  return typeof skip === 'string' && skip !== '' ? skip : 'no reason given';
}

function reportRunning(file: string): void {
  for (const test of running) {
    if (test.startsWith(`${file}: `) && !test.endsWith(file)) console.error(`Was still running: ${test}`);
  }
}

const reporter = new spec();
reporter.pipe(process.stdout);
for await (const event of events()) reporter.write(event);
await new Promise<void>((resolve) => reporter.end(resolve));

const problems = [
  ...(failed > 0 ? [`${failed} failed`] : []),
  ...(failed === 0 && broken ? ['a suite failed'] : []),
  ...empty.map((file) => `${file} has no test`),
  ...(passed + failed === 0 ? ['no test ran'] : []),
  ...(requireAll && skipped.length > 0 ? [`${skipped.length} skipped, and none may be`] : []),
];
console.log(['', ...totals.map((total) => `ℹ ${total}`)].join('\n'));
console.log(listOfSkips(skipped));
if (problems.length > 0) {
  console.log(`Failed: ${problems.join('; ')}`);
  process.exitCode = 1;
}
