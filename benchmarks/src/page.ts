import type { Result } from './results.js';
export function writePage(_folder: string, _results: readonly Result[]): void {}
