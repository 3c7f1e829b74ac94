import { runGroup } from '../run-group.js';

runGroup('race', 'Z5');
