// Says when its first line runs, and which of Node's larger modules are loaded by then.
import { writeSync } from 'node:fs';

const { moduleLoadList } = process as unknown as { readonly moduleLoadList: readonly string[] };
const large = ['net', 'worker_threads'].filter((name) => moduleLoadList.includes(`NativeModule ${name}`));
writeSync(1, `first line ${large.join(' ')}\n`);
