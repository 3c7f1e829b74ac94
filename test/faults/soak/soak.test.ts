import { runAsTests } from '../run-as-tests.js';
import { soak } from './soak.js';

// Measures the resources of this process, so nothing else may run in it.
runAsTests([soak], { concurrency: false });
