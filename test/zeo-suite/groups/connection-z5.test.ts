import { runGroup } from '../run-group.js';

runGroup('connection', 'Z5');
