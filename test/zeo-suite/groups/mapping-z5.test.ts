import { runGroup } from '../run-group.js';

runGroup('mapping', 'Z5');
