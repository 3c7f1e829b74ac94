import { runThroughGuard } from '../run-group.js';

runThroughGuard('6.2', 'M5', 'reconnection', ['FileStorageReconnectionTests', 'FileStorageInvqTests']);
