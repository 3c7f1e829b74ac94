import { runGroup } from '../run-group.js';

runGroup('mapping', 'M5');
