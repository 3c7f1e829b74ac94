import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { compatibilityPage } from './page.js';

describe('The page about compatibility', () => {
  it('is the one that the lists of the tests make', () => {
    const page = readFileSync(new URL('../../../docs/compatibility.md', import.meta.url), 'utf8');
    assert.equal(page, compatibilityPage(), 'npm run docs:compatibility writes it again');
  });
});
