import { execFile } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findPython } from './find-python.js';

const execute = promisify(execFile);

/** The ZEO releases that the tests run against: the newest, and the last one of the major version before it. */
export const zeoVersions = ['6.2', '5.4.1'] as const;
export type ZeoVersion = (typeof zeoVersions)[number];

/** Sets of packages with time zones: the newest, and those of the last years of Python 2. */
export const zoneSets = ['zones', 'zones-2019'] as const;
export type ZoneSet = (typeof zoneSets)[number];

type Environment = ZeoVersion | ZoneSet;
const environments: readonly Environment[] = [...zeoVersions, ...zoneSets];

/** An interpreter with the packages, or why there is none. */
export type Python =
  | { readonly executable: string; readonly missing?: undefined }
  | { readonly executable?: undefined; readonly missing: string };

const requirements: Readonly<Record<Environment, readonly string[]>> = {
  // zope.testing and mock are for ZEO's own tests (test/zeo-suite).
  '6.2': ['ZEO[msgpack]==6.2', 'zope.testing==6.2'],
  '5.4.1': ['ZEO[msgpack]==5.4.1', 'ZODB<6', 'zope.testing==6.2', 'mock==5.2.0'],
  zones: ['pytz==2026.6', 'python-dateutil==4.0.0', 'tzdata==2026.6', 'DateTime==6.0'],
  'zones-2019': ['pytz==2019.3', 'python-dateutil==2.9.0.post0', 'tzdata==2026.6', 'DateTime==4.9'],
};

/** The variable with which {@link preparePythons} passes its result to the test processes. */
const variable = 'ZEO_TEST_PYTHONS';
const cache = fileURLToPath(new URL('../../../../.cache/', import.meta.url));
const isZoneSet = (environment: Environment): environment is ZoneSet =>
  zoneSets.some((known) => known === environment);
const title = (environment: Environment) =>
  isZoneSet(environment) ? environment : (`zeo-${environment}` as const);
const home = (environment: Environment) => path.join(cache, title(environment));
const interpreter = (directory: string) => path.join(directory, 'bin', 'python');

/** The interpreter with a release of ZEO for a test, as prepared by the test runner. */
export function findZeo(version: ZeoVersion): Python {
  return find(version);
}

/** The interpreter with a set of packages with time zones. */
export function findZones(set: ZoneSet): Python {
  return find(set);
}

function find(environment: Environment): Python {
  const prepared = process.env[variable];
  if (prepared !== undefined) return (JSON.parse(prepared) as Record<Environment, Python>)[environment];
  return (
    installed(environment) ?? {
      missing: `no Python environment ${title(environment)} yet: npm test makes it`,
    }
  );
}

/**
 * Creates missing environments under `.cache/`, or uses the interpreter in `ZEO_PYTHON` for the version that it has.
 *
 * @throws Error if `ZEO_PYTHON` is set, but is not a Python with ZEO
 */
export async function preparePythons(): Promise<Record<Environment, Python>> {
  const pythons: Partial<Record<Environment, Python>> = { ...(await named()) };
  // One after the other: two pips at once would be slower on two cores.
  for (const environment of environments) {
    pythons[environment] ??= installed(environment) ?? (await install(environment));
  }
  process.env[variable] = JSON.stringify(pythons);
  return pythons as Record<Environment, Python>;
}

async function named(): Promise<Partial<Record<ZeoVersion, Python>>> {
  const executable = process.env.ZEO_PYTHON;
  if (executable === undefined || executable === '') return {};
  const script = 'import importlib.metadata, msgpack; print(importlib.metadata.version("ZEO"))';
  const { stdout } = await execute(executable, ['-c', script]).catch((error: Error) => {
    throw new Error('ZEO_PYTHON names no Python with ZEO[msgpack]', { cause: error });
  });
  // Another release of the same line stands in for the one that the tests name.
  const version = zeoVersions.find((known) => known.split('.')[0] === stdout.split('.')[0]);
  if (version === undefined)
    throw new Error(`ZEO_PYTHON has ZEO ${stdout.trim()}, which the tests do not know`);
  return { [version]: { executable } };
}

/** The stamp is written last, and the directory renamed into place, so an environment with a stamp is complete. */
function installed(environment: Environment): Python | undefined {
  const executable = interpreter(home(environment));
  try {
    accessSync(executable, constants.X_OK);
    const stamp = readFileSync(path.join(home(environment), 'stamp'), 'utf8');
    return stamp === requirements[environment].join(' ') ? { executable } : undefined;
  } catch {
    return undefined;
  }
}

async function install(environment: Environment): Promise<Python> {
  const python = await findPython();
  if (python.missing !== undefined) return python;
  console.error(`Making a Python environment ${title(environment)}, once`);
  const half = `${home(environment)}.${process.pid}`;
  try {
    await removeHalves(environment);
    await mkdir(cache, { recursive: true });
    await execute(python.executable, ['-m', 'venv', half]);
    const pip = [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      ...requirements[environment],
    ];
    await execute(interpreter(half), pip, { timeout: 600_000 });
    await writeFile(path.join(half, 'stamp'), requirements[environment].join(' '));
    await rm(home(environment), { recursive: true, force: true });
    await rename(half, home(environment));
    return { executable: interpreter(home(environment)) };
  } catch (error) {
    await rm(half, { recursive: true, force: true });
    // Another run may have been faster.
    const theirs = installed(environment);
    if (theirs !== undefined) return theirs;
    const output = error as { stdout?: string; stderr?: string };
    console.error(output.stdout ?? '', output.stderr ?? '');
    return {
      missing: `${title(environment)} cannot be installed: ${lastLine(output.stderr) ?? String(error)}`,
    };
  }
}

/** Removes what a killed run left, but not what another run is creating at the moment. */
async function removeHalves(environment: Environment): Promise<void> {
  const prefix = `${path.basename(home(environment))}.`;
  const names = await readdir(cache).catch(() => []);
  for (const name of names.filter((name) => name.startsWith(prefix))) {
    if (!isAlive(Number(name.slice(prefix.length))))
      await rm(path.join(cache, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function lastLine(text: string | undefined): string | undefined {
  return text?.trimEnd().split('\n').at(-1) || undefined;
}
