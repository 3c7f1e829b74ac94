import { processFaults } from './process/all.js';
import { runAsTests } from './run-as-tests.js';

runAsTests(processFaults);
