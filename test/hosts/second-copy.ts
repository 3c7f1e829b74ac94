import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/**
 * A folder with an application and its own copy of this package in `node_modules`. The hosts installed there import that
 * copy as `zeo-keepalive`.
 */
export class SecondCopy implements AsyncDisposable {
  /** The folder of the application. */
  readonly folder: URL;
  readonly #path: string;

  private constructor(folder: string) {
    this.#path = folder;
    this.folder = pathToFileURL(`${folder}${path.sep}`);
  }

  static async install(...hosts: readonly string[]): Promise<SecondCopy> {
    const copy = new SecondCopy(await mkdtemp(path.join(tmpdir(), 'zeo-keepalive-copy-')));
    await mkdir(copy.#package, { recursive: true });
    for (const item of ['package.json', 'dist/src', 'dist/workers']) {
      await cp(path.join(root, item), path.join(copy.#package, item), { recursive: true });
    }
    await symlink(path.join(root, 'node_modules'), path.join(copy.#package, 'node_modules'), 'junction');
    await writeFile(path.join(copy.#path, 'package.json'), '{ "type": "module" }');
    for (const host of hosts) {
      await cp(fileURLToPath(new URL(`./${host}.js`, import.meta.url)), path.join(copy.#path, `${host}.js`));
    }
    return copy;
  }

  /** The URL of a module of the copy, by its path below `dist/src`. */
  module(name: string): URL {
    return pathToFileURL(path.join(this.#package, 'dist/src', name));
  }

  /** Edits a module of the copy, as another version of the package might differ. */
  async edit(name: string, from: string, to: string): Promise<void> {
    const text = await readFile(this.module(name), 'utf8');
    if (!text.includes(from)) throw new Error(`${name} does not have ${from}`);
    await writeFile(this.module(name), text.replaceAll(from, to));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#path, { recursive: true });
  }

  get #package(): string {
    return path.join(this.#path, 'node_modules', 'zeo-keepalive');
  }
}
