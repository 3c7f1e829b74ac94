import { runAsTests } from '../run-as-tests.js';
import { relayFaults } from './all.js';

runAsTests(relayFaults);
