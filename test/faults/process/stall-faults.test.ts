import { runAsTests } from '../run-as-tests.js';
import { stallFaults } from './stalls.js';

runAsTests(stallFaults);
