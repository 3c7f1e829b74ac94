import { runGroup } from '../run-group.js';

runGroup('connection', 'M5');
