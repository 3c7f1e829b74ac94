import { runThroughGuard } from '../run-group.js';

runThroughGuard('5.4.1', 'Z5', 'reconnection', [
  'FileStorageInvqTests',
  'checkReadOnlyFallback',
  'checkReconnectSwitch',
  'checkReconnectWritable',
  'checkCrossDBInvalidations',
]);
runThroughGuard('5.4.1', 'Z5', 'misc', ['ClientConflictResolutionTests', 'unix_domain_sockets']);
