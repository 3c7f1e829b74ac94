import { runGroup } from '../run-group.js';

runGroup('file', 'Z5');
