/** What is inside a ZODB record: the export `zeo-keepalive/records`. */

export { type ErrorCode, KeepAliveError } from '../errors.js';
export { PersistentReference, type PersistentReferenceDetails } from '../python/persistent-reference.js';
export { PythonGlobal } from '../python/python-global.js';
export { type Callee, PythonObject } from '../python/python-object.js';
export type { BTreeContent, BucketContent, SetContent, TreeContent } from './btree-content.js';
export { decodeRecord } from './decode-record.js';
export { PythonComplex } from './python-complex.js';
export { PythonDate } from './python-date.js';
export { PythonDateTime } from './python-date-time.js';
export { PythonDecimal } from './python-decimal.js';
export { PythonTime, type TimeFields } from './python-time.js';
export { PythonTimeDelta } from './python-time-delta.js';
export { PythonTimeZone } from './python-time-zone.js';
export type { Python2Text } from './python2-strings.js';
export type { ListContent, MappingContent, RecordContent } from './record-content.js';
export { RecordError } from './record-error.js';
export type { RecordOptions } from './record-options.js';
export { type RecordParts, ZodbRecord } from './zodb-record.js';
