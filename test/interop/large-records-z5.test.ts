import { tryLargeRecords } from './large-records.js';

tryLargeRecords('Z5');
