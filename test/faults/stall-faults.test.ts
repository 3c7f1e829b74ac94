import { stallFaults } from './process/stalls.js';
import { runAsTests } from './run-as-tests.js';

runAsTests(stallFaults);
