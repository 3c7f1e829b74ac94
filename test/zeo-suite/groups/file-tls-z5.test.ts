import { runGroup } from '../run-group.js';

runGroup('file-tls', 'Z5');
