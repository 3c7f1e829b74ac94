import { soak } from './process/soak.js';
import { runAsTests } from './run-as-tests.js';

// It measures what this process holds, so nothing else may be going on in it.
runAsTests([soak], { concurrency: false });
