import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Page } from '../../observability/http-pages.js';

/**
 * The status page. Its script and its style are in it, and nothing else may be loaded or run: also if a text of a peer were
 * taken for HTML, which the script never does.
 */
export function readStatusPage(): Page {
  // It is not compiled, so it is where its source is.
  const file = new URL('../../../../src/cli/guard-status/status-page.html', import.meta.url);
  const body = readFileSync(file, 'utf8');
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(body, 'script')}`,
    `style-src ${hashOf(body, 'style')}`,
    'img-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  const headers = { 'content-security-policy': policy, 'referrer-policy': 'no-referrer' };
  return { status: 200, type: 'text/html; charset=utf-8', body, headers };
}

function hashOf(html: string, element: string): string {
  const [, text = ''] = new RegExp(`<${element}>(.*?)</${element}>`, 's').exec(html) ?? [];
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
