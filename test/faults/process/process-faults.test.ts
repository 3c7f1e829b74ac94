import { runAsTests } from '../run-as-tests.js';
import { processFaults } from './all.js';

runAsTests(processFaults);
