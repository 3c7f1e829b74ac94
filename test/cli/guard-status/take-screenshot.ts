import { writeFile } from 'node:fs/promises';
import { BrowserPage } from './browser.js';

/*
 * `node dist/test/cli/guard-status/take-screenshot.js URL FILE [light|dark] [WIDTH] [HEIGHT]`: the status page of a running guard
 * as a PNG, such as docs/guard-status.png.
 */
const [url = '', file = '', scheme = 'light', width = '1100', height = '900'] = process.argv.slice(2);

await using page = await BrowserPage.open();
await page.show(Number(width), Number(height), scheme === 'dark' ? 'dark' : 'light');
await page.goTo(url);
await page.until(`document.querySelector('article') !== null`);
await writeFile(file, await page.screenshot());
