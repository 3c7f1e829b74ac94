import { kernelFaults } from './kernel/all.js';
import { runAsTests } from './run-as-tests.js';

runAsTests(kernelFaults);
