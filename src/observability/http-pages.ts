import type { IncomingMessage, ServerResponse } from 'node:http';

/** A response. */
export interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The paths that are served, and what makes the response for each. */
export type Pages = Readonly<Record<string, () => Page | Promise<Page>>>;

/**
 * Responds to GET and HEAD of one of the pages.
 *
 * @param next called for any other request; by default the response says which pages there are
 */
export function respond(
  request: Pick<IncomingMessage, 'url' | 'method'>,
  response: ServerResponse,
  pages: Pages,
  next?: () => void,
): void {
  const [path = ''] = (request.url ?? '').split('?', 1);
  const makePage = Object.hasOwn(pages, path) ? pages[path] : undefined;
  if (makePage === undefined && next !== undefined) next();
  else if (request.method !== 'GET' && request.method !== 'HEAD')
    send(response, { ...plainPage(405, 'GET or HEAD only'), headers: { allow: 'GET, HEAD' } });
  else if (makePage === undefined)
    send(response, plainPage(404, `Not found; try ${Object.keys(pages).join(', ')}`));
  else
    pageOf(makePage).then(
      (page) => send(response, page),
      () => send(response, plainPage(500, 'The page could not be made')),
    );
}

async function pageOf(makePage: Pages[string]): Promise<Page> {
  return makePage();
}

/** A page of plain text, one or more lines. */
export function plainPage(status: number, text: string): Page {
  return { status, type: 'text/plain; charset=utf-8', body: `${text}\n` };
}

/** What a probe gets: 200 if there are no problems, else 503 and the problems. */
export function probePage(problems: readonly string[]): Page {
  return problems.length === 0 ? plainPage(200, 'ok') : plainPage(503, problems.join('\n'));
}

/** Does not throw: nobody would catch it. */
function send(response: ServerResponse, { status, type, body, headers }: Page): void {
  // The application has begun a response of its own.
  if (response.headersSent) return;
  const always = { 'content-type': type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
  try {
    response.writeHead(status, { ...always, ...headers }).end(body);
  } catch {
    // Methods of a response are often wrapped, by middleware for sessions or compression.
    response.destroy();
  }
}
