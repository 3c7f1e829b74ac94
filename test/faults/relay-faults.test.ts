import { relayFaults } from './relay/all.js';
import { runAsTests } from './run-as-tests.js';

runAsTests(relayFaults);
