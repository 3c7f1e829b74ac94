import { accessSync, constants, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

type Controller = 'cpu' | 'freezer';

const root = '/sys/fs/cgroup';

/** Why processes cannot be put into control groups here, which are those of version 1; `undefined` when they can. */
export function missingControlGroups(): string | undefined {
  try {
    for (const controller of ['cpu', 'freezer']) accessSync(path.join(root, controller), constants.W_OK);
    return undefined;
  } catch {
    return `no writable control groups of version 1 in ${root}`;
  }
}

/** A control group with one process in it, which goes back to the group above when it is disposed of. */
export class ControlGroup implements Disposable {
  static #made = 0;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static create(controller: Controller, pid: number): ControlGroup {
    const folder = path.join(root, controller, `socket-lab-${process.pid}-${ControlGroup.#made++}`);
    mkdirSync(folder);
    const group = new ControlGroup(folder);
    group.write('cgroup.procs', pid);
    return group;
  }

  write(file: string, value: string | number): void {
    writeFileSync(path.join(this.#folder, file), String(value));
  }

  [Symbol.dispose](): void {
    const processes = readFileSync(path.join(this.#folder, 'cgroup.procs'), 'utf8');
    for (const pid of processes.split('\n').filter(Boolean))
      writeFileSync(path.join(this.#folder, '../cgroup.procs'), pid);
    rmdirSync(this.#folder);
  }
}
