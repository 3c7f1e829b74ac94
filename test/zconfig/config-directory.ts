import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** The contents of files by name, relative to one another. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

/** A temporary directory with configuration files in it. Removed when it is disposed of. */
export class ConfigDirectory {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async make(files: Files = {}): Promise<ConfigDirectory> {
    const made = new ConfigDirectory(await mkdtemp(path.join(tmpdir(), 'zconfig-')));
    await made.write(files);
    return made;
  }

  async write(files: Files): Promise<void> {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(path.dirname(this.path(name)), { recursive: true });
      await writeFile(this.path(name), content);
    }
  }

  path(name: string): string {
    return path.join(this.directory, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}
