import { accessSync, constants, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const controllers = ['cpu', 'freezer'] as const;
type Controller = (typeof controllers)[number];

/** A file of a group, and what to write into it. */
type Setting = readonly [file: string, value: string | number];

/** A tree of control groups. */
interface Tree {
  readonly folder: string;
  /** Whether groups in it can be given this controller. */
  has(controller: Controller): boolean;
  readonly frozen: Setting;
  readonly thawed: Setting;
  /** At most so many per cent of a processor. */
  limited(percent: number): readonly Setting[];
}

const root = '/sys/fs/cgroup';
const quotaPeriodUs = 100_000;
const quotaUs = (percent: number) => (percent / 100) * quotaPeriodUs;

/** Version 2 has one tree for all controllers, and version 1 one for each; some systems have both. */
const trees: readonly Tree[] = [
  ...[root, `${root}/unified`].map(
    (folder): Tree => ({
      folder,
      has: (controller) =>
        // Every group of version 2 can be frozen.
        isWritable(`${folder}/cgroup.subtree_control`) &&
        (controller === 'freezer' || read(`${folder}/cgroup.subtree_control`).split(/\s/).includes('cpu')),
      frozen: ['cgroup.freeze', 1],
      thawed: ['cgroup.freeze', 0],
      limited: (percent) => [['cpu.max', `${quotaUs(percent)} ${quotaPeriodUs}`]],
    }),
  ),
  ...controllers.map(
    (name): Tree => ({
      folder: `${root}/${name}`,
      has: (controller) => controller === name && isWritable(`${root}/${name}/cgroup.procs`),
      frozen: ['freezer.state', 'FROZEN'],
      thawed: ['freezer.state', 'THAWED'],
      limited: (percent) => [
        ['cpu.cfs_period_us', quotaPeriodUs],
        ['cpu.cfs_quota_us', quotaUs(percent)],
      ],
    }),
  ),
];
const treeOf = (controller: Controller) => trees.find((tree) => tree.has(controller));

/** Why processes cannot be put into control groups here; `undefined` when they can. */
export function missingControlGroups(): string | undefined {
  const missing = controllers.filter((controller) => treeOf(controller) === undefined);
  return missing.length === 0 ? undefined : `no writable control groups for ${missing.join(', ')} in ${root}`;
}

/** A control group with one process in it, which goes back to the group above when it is disposed of. */
export class ControlGroup implements Disposable {
  static #made = 0;
  readonly #tree: Tree;
  readonly #folder: string;

  /** @throws Error when there are none for this controller */
  constructor(controller: Controller, pid: number) {
    const tree = treeOf(controller);
    if (tree === undefined) throw new Error(missingControlGroups());
    this.#tree = tree;
    this.#folder = path.join(tree.folder, `socket-lab-${process.pid}-${ControlGroup.#made++}`);
    mkdirSync(this.#folder);
    this.#write(['cgroup.procs', pid]);
  }

  freeze(): void {
    this.#write(this.#tree.frozen);
  }

  thaw(): void {
    this.#write(this.#tree.thawed);
  }

  limit(percent: number): void {
    for (const setting of this.#tree.limited(percent)) this.#write(setting);
  }

  [Symbol.dispose](): void {
    for (const pid of read(path.join(this.#folder, 'cgroup.procs')).split('\n').filter(Boolean))
      writeFileSync(path.join(this.#tree.folder, 'cgroup.procs'), pid);
    rmdirSync(this.#folder);
  }

  #write([file, value]: Setting): void {
    writeFileSync(path.join(this.#folder, file), String(value));
  }
}

const read = (file: string) => readFileSync(file, 'utf8');

function isWritable(file: string): boolean {
  try {
    accessSync(file, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
