import { tryLargeRecords } from './large-records.js';

tryLargeRecords('M5');
