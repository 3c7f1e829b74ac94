import { accessSync, constants } from 'node:fs';

/** Why a command of a Debian package cannot be run; `undefined` if it can. */
export function missingCommand(file: string): string | undefined {
  try {
    accessSync(file, constants.X_OK);
    return undefined;
  } catch {
    return `${file} is not installed`;
  }
}
