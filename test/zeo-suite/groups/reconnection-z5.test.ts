import { runGroup } from '../run-group.js';

runGroup('reconnection', 'Z5');
