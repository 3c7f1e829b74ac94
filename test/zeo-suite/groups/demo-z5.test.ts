import { runGroup } from '../run-group.js';

runGroup('demo', 'Z5');
