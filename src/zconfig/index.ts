/**
 * `zeo-keepalive/zconfig`: which ZEO servers a `zope.conf`, or any configuration of ZODB, names.
 *
 * @module zconfig
 */
export { ConfigError, type ConfigErrorCode } from './config-error.js';
export type { Environment } from './definitions.js';
export type { Position } from './document.js';
export { type ReadOptions, readZopeConfig, type ZeoClientConfig } from './read-zope-config.js';
export type { SslConfig } from './ssl-section.js';
export { type Secrets, storageOptions } from './storage-options.js';
export type { ServerSetting } from './zeo-client-section.js';
