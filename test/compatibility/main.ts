// `npm run docs:compatibility`: writes docs/compatibility.md.
import { writeFileSync } from 'node:fs';
import { compatibilityPage } from './page.js';

writeFileSync(new URL('../../../docs/compatibility.md', import.meta.url), compatibilityPage());
