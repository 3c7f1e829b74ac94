import { runPassedThrough } from '../run-group.js';

runPassedThrough('6.2', 'M5', 'misc', ['test_ssl_hostname_check', 'test_ssl_pw', 'quick_close']);
runPassedThrough('6.2', 'M5', 'file-tls', ['checkUndoInvalidation', 'checkZEOInvalidation']);
