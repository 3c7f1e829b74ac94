import { runGroup } from '../run-group.js';

runGroup('file', 'M5');
