import { runAsTests } from '../run-as-tests.js';
import { kernelFaults } from './all.js';

runAsTests(kernelFaults);
