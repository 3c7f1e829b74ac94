/** What is inside a ZODB record: the export `zeo-keepalive/records`. */

export { type ErrorCode, KeepAliveError } from '../model/errors.js';
export {
  PythonDate,
  PythonDateTime,
  PythonTime,
  PythonTimeDelta,
  PythonTimeZone,
  type TimeFields,
} from '../python/date-time.js';
export { PythonGlobal } from '../python/global.js';
export { PythonComplex, PythonDecimal } from '../python/numbers.js';
export { type Callee, PythonObject } from '../python/object.js';
export { PersistentReference, type PersistentReferenceDetails } from '../python/persistent-reference.js';
export { PythonUuid } from '../python/uuid.js';
export { ZopeDateTime } from '../python/zope-date-time.js';
export type { BTreeContent, BucketContent, SetContent, TreeContent } from './btree-content.js';
export { decodeRecord, RecordError, referencesOf } from './decode-record.js';
export type { Python2Text } from './python2-strings.js';
export type { ListContent, MappingContent, RecordContent } from './record-content.js';
export type { RecordOptions } from './record-options.js';
export { type RecordParts, ZodbRecord } from './zodb-record.js';
