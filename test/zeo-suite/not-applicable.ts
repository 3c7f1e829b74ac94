/*
 * ZEO's own tests that the embedded server, or a guard, does not have to pass. The tests of this directory fail if an entry
 * for the embedded server is missing, or obsolete.
 */

const blobs = 'it has no blobs';
const noLog = 'the test reads the log file of the server, and the embedded one writes none';
const pythonServer = 'it looks into a server that runs in the same Python';
const noServer = 'no server is started, or one of Python’s own that cannot be another';

/** Tests that are run but do not pass: they fail, could not get their kind of server, or do not use one. */
export const notApplicable: Readonly<Record<string, string>> = {
  'ZEO.tests.testZEO.client_labels': noLog,
  'ZEO.tests.testZEO.dont_log_poskeyerrors_on_server': noLog,
  // Only at its end; checkTimeoutAfterVote and our own tests show that the client is dropped and the lock is freed.
  'ZEO.tests.testConnection.FileStorageTimeoutTests.checkTimeout': noLog,
  'ZEO.tests.testConnection.MappingStorageTimeoutTests.checkTimeout': noLog,

  dynamic_server_ports_test: pythonServer,
  'ZEO.tests.test_client_credentials.ClientAuthTests.test_passing_credentials': pythonServer,
  'ZEO.tests.test_sync.SyncTests.test_server_sync': pythonServer,

  'ZEO.tests.testZEO.ClientDisconnected_errors_are_TransientErrors': noServer,
  'ZEO.tests.testZEO.getInvalidationsAfterServerRestart': noServer,
  'ZEO.tests.testZEO.multiple_storages_invalidation_queue_is_not_insane': noServer,
  'ZEO.tests.testZEO.runzeo_logrotate_on_sigusr2': noServer,
  'ZEO.tests.testZEO.runzeo_without_configfile': noServer,
  'ZEO.tests.test_client_side_conflict_resolution.ClientSideConflictResolutionTests.test_server_side':
    noServer,
  'ZODB.tests.testblob.gc_blob_removes_uncommitted_data': noServer,
  'ZODB.tests.testblob.lp440234_Setting__p_changed_of_a_Blob_w_no_uncomitted_changes_is_noop': noServer,
  zdoptions_test: noServer,

  'invalidation-age_txt': 'it has no invalidation-age: its queue of invalidations has a length only',
  protocols_test: 'it cannot pretend to be a server of ZEO 4, which the test wants refused',

  'client-config_test': blobs,
  'zeo-fan-out_test': blobs,
  zeo_blob_cache_test: blobs,
  IExternalGC_test: blobs,
  blob_connection_txt: blobs,
  blob_importexport_txt: blobs,
  blob_transaction_txt: blobs,
  'ZEO.tests.testZEO.gracefully_handle_abort_while_storing_many_blobs': blobs,
  'ZODB.tests.testblob.commit_from_wrong_partition': blobs,
  'ZODB.tests.testblob.do_not_depend_on_cwd': blobs,
  'ZODB.tests.testblob.is_blob_record': blobs,
  'ZODB.tests.testblob.loadblob_tmpstore': blobs,
  'ZODB.tests.testblob.packing_with_uncommitted_data_non_undoing': blobs,
  'ZODB.tests.testblob.packing_with_uncommitted_data_undoing': blobs,
  'ZODB.tests.testblob.savepoint_cleanup': blobs,
  'ZODB.tests.testblob.savepoint_commits_without_invalidations_out_of_order': blobs,
  'ZODB.tests.testblob.savepoint_isolation': blobs,
  'ZODB.tests.testblob.test_blob_file_permissions': blobs,
};

/** Tests that pass directly, and cannot pass through guard. */
export const notThroughGuard: Readonly<Record<string, string>> = {
  nagios_rst: 'while its server is down, a client is held and reset before others are refused',
  protocols_test: 'a server of ZEO 4 counts as down, so its greeting does not reach the client',
  dynamic_server_ports_test: 'it compares the address of the server with the one that the client connects to',
  'ZEO.tests.testssl.SSLConfigTest.test_ssl_pw': 'a key with a passphrase is not supported',
};

const aMinute = 'a minute of CPU; MappingStorageTests has it too, and there it is run';
const race = 'test_race_external_invalidate_vs_disconnect';

/** Tests that are not run: their ids begin with these words. */
export const leftOut: Readonly<Record<string, string>> = {
  'ZEO.tests.testZEO.BlobAdaptedFileStorageTests.': `${blobs}; what else there is in it is in FileStorageTests`,
  'ZEO.tests.testZEO.BlobWritableCacheTests.': `${blobs}; what else there is in it is in FileStorageTests`,
  'ZODB.tests.testblob.ClientStorageNonSharedBlobsBlobUndoTests.': blobs,
  'ZODB.tests.testblob.ClientStorageSharedBlobsBlobUndoTests.': blobs,
  'ZEO.tests.testZEO.FileStorageLoadDelayedTests.':
    'a storage whose loads are slow is put around the file storage, in Python; else it is FileStorageTests',
  [`ZEO.tests.testZEO.FileStorageSSLTests.${race}`]: aMinute,

  'ZODB.tests.util.AAAA_Test_Runner_Hack.': noServer,
  'ZEO.tests.testConversionSupport.': noServer,
  'ZEO.tests.testTransactionBuffer.': noServer,
  'ZEO.tests.testZEO.Test_convenience_functions.': noServer,
  'ZEO.tests.testZEO2.': noServer,
  'ZEO.tests.testZEOOptions.': noServer,
  'ZEO.tests.testZEOServer.': noServer,
  'ZEO.tests.test_cache.': noServer,
  'ZEO.tests.test_marshal.': noServer,
  'ZEO.tests.testssl.SSLConfigTestMockiavellian.': noServer,
};
