import { runGroup } from '../run-group.js';

runGroup('misc', 'Z5');
