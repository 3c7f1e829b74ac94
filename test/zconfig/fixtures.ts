import { fileURLToPath } from 'node:url';

/** Path of a file in `test/zconfig/fixtures`. It is not compiled: it stays in the source tree. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../../../test/zconfig/fixtures/${name}`, import.meta.url));
}
