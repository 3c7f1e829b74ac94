import { runAsTests } from '../run-as-tests.js';
import { soak } from './soak.js';

// It measures what this process holds, so nothing else may be going on in it.
runAsTests([soak], { concurrency: false });
