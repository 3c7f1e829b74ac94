import type { ClientStorageOptions } from '../zeo/options.js';

/** A storage that the command line, or a configuration, names. */
export interface Target {
  /** What to call it on the screen, in lines and metrics: unique, and safe to print. */
  readonly name: string;
  readonly options: ClientStorageOptions;
}
