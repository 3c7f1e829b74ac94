import { runGroup } from '../run-group.js';

runGroup('misc', 'M5');
