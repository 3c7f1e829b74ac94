import { closeSync, openSync, readFileSync, realpathSync } from 'node:fs';
import module from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { KeepAliveError } from '../model/errors.js';
import type { Datatype } from '../model/option-check.js';
import { version } from '../model/version.js';

/** The entry's place in the package's build, relative to this file's. */
const entry = '../../workers/keep-alive.worker.js';

/** A setting that says where the worker's entry is. */
export const workerFile: Datatype<URL> = {
  expected: `the path of dist/workers/keep-alive.worker.js in an installed zeo-keepalive ${version}`,
  read(given) {
    try {
      const isUrl = given instanceof URL || String(given).startsWith('file:');
      const file = isUrl ? fileURLToPath(given as URL | string) : path.resolve(given as string);
      // Package managers link packages, and what a package depends on lies beside its real place.
      const url = pathToFileURL(realpathSync(file));
      return isUsable(url) && versionAt(url) === version ? url : undefined;
    } catch {
      return undefined;
    }
  },
};

/**
 * Returns the worker's entry in this package.
 *
 * A thread is started from a file. A bundle has the code that starts it, but not that file, and would try in vain for as long
 * as it runs.
 *
 * @throws KeepAliveError `ERR_KEEPALIVE_BUNDLED` if the file, or piscina, is not where it is in an installed package
 */
export function ownWorkerFile(): URL {
  const url = besideThisFile(entry);
  if (url !== undefined && isUsable(url)) return url;
  throw new KeepAliveError(
    'ERR_KEEPALIVE_BUNDLED',
    'zeo-keepalive has probably been bundled, so its thread cannot be started: ' +
      `expected ${url === undefined ? 'its file keep-alive.worker.js' : fileURLToPath(url)}, and piscina, to be installed. ` +
      'Keep zeo-keepalive external, or set ZEO_KEEPALIVE_WORKER; see docs/bundling.md in the package',
  );
}

/** The name is a parameter because webpack would copy a file that it can read from here, without what that imports. */
function besideThisFile(name: string): URL | undefined {
  // A bundle in the format of CommonJS has no such URL.
  const url: string | undefined = import.meta.url;
  return url?.startsWith('file:') ? new URL(name, url) : undefined;
}

function versionAt(url: URL): string {
  const manifest = readFileSync(new URL('../../package.json', url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

function isUsable(url: URL): boolean {
  try {
    closeSync(openSync(url, 'r'));
  } catch (error) {
    // A process without a descriptor finds no file. Whether this one exists is seen when the thread is started.
    return isOutOfDescriptors(error);
  }
  try {
    module.createRequire(url).resolve('piscina');
    return true;
  } catch {
    return false;
  }
}

/** As many as an import reads at once, and some. */
const neededDescriptors = 4;

/**
 * Checks that the process has file descriptors left for an import. Node remembers forever that an import has failed, so that
 * one which was begun without would fail again when there are some.
 *
 * @throws the error of the system, EMFILE or ENFILE
 */
export function checkDescriptors(url: URL): void {
  const opened: number[] = [];
  try {
    while (opened.length < neededDescriptors) opened.push(openSync(url, 'r'));
  } catch (error) {
    if (isOutOfDescriptors(error)) throw error;
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}

function isOutOfDescriptors(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EMFILE' || code === 'ENFILE';
}
