import { runGroup } from '../run-group.js';

runGroup('reconnection', 'M5');
