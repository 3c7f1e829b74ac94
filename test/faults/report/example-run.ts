import type { Run } from './row.js';

/** What a row of a test comes from. */
export const exampleRun: Run = {
  size: 'scaled',
  date: '2026-01-01T00:00:00Z',
  commit: 'abc',
  node: 'v20',
  machine: 'm',
};
