import { fileURLToPath } from 'node:url';

/** Path of a file in `test/zconfig/fixtures`. It stays in the source tree, as it is not compiled. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../../../test/zconfig/fixtures/${name}`, import.meta.url));
}
