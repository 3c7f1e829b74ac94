import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ZeoServer } from 'zeo-keepalive/testing';
import { type ServedGuard, serveGuard } from '#src/cli/guard-status/serve-guard.js';
import { Guard } from '#src/guard/guard.js';
import { parseAddress } from '#src/zeo/connection/address.js';
import { WireClient } from '../../zeo/server/wire-client.js';
import { listenRaw } from '../../zeo/storage/scripted-peer.js';
import { BrowserPage, missingBrowser } from './browser.js';

/** A frame that is no greeting; an error quotes it. */
const markup = '<img src=x onerror="document.title=1">';

/** The smallest ratio of contrast between a text of the page and what is behind it, and that text. */
const leastContrast = `(() => {
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = (rgb) => rgb.slice(0, 3)
    .map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length === 3) return color;
    }
    throw new Error('Nothing is opaque');
  };
  const ratios = [...document.body.querySelectorAll('*')]
    .filter((element) => element.checkVisibility() && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== ''))
    .map((element) => {
      const [one, other] = [parse(getComputedStyle(element).color), behind(element)].map(luminance);
      return { ratio: (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05), text: element.textContent };
    });
  return ratios.reduce((least, next) => (next.ratio < least.ratio ? next : least));
})()`;

describe('The status page of guard', { skip: missingBrowser, timeout: 60_000 }, () => {
  const stopping = new AbortController();
  const ends: (() => unknown)[] = [];
  let live: ZeoServer;
  let guard: Guard;
  let status: ServedGuard;
  let page: BrowserPage;
  let client: WireClient;

  before(async () => {
    live = use(await ZeoServer.listen());
    const garbled = use(
      await listenRaw((socket) =>
        socket.end(Buffer.concat([Buffer.of(0, 0, 0, markup.length), Buffer.from(markup)])),
      ),
    );
    const routes = [live, garbled].map(({ address }) => ({
      ...{ listen: { host: '127.0.0.1', port: 0 }, servers: [parseAddress(address)] },
    }));
    guard = new Guard(routes, { period: 0.2, timeout: 0.5, level: 'silent' });
    ends.push(() => guard.stop(0));
    status = use(await serveGuard({ host: '127.0.0.1', port: 0 }, guard, stopping.signal));
    for (const frontend of guard.frontends) status.watch(frontend);
    await guard.start();
    guard.watchIdleServers();
    page = use(await BrowserPage.open());
    client = await connect();
    await page.show(1200, 900, 'light');
    await page.goTo(`http://${status.address}/`);
  });
  after(async () => {
    for (const end of ends.reverse()) await end();
  });

  function use<Resource extends AsyncDisposable>(resource: Resource): Resource {
    ends.push(() => resource[Symbol.asyncDispose]());
    return resource;
  }

  function connect(): Promise<WireClient> {
    const address = guard.frontends[0]?.name ?? '';
    return WireClient.register({ address, port: Number(address.split(':')[1]) });
  }

  const text = (selector: string) => `document.querySelector(${JSON.stringify(selector)}).innerText`;

  it('shows servers, connections, and a plot of round trips', async () => {
    await page.until(`document.querySelector('svg .mean')?.getAttribute('d')`);
    assert.equal(await page.evaluate(text('h4')), live.address);
    assert.match(await page.evaluate(text('article')), /up\n.*1 now, 1 in all\n/s);
    assert.match(await page.evaluate(text('#connections')), /#1\t127\.0\.0\.1:\d+\t\t.*\d ms$/s);
    assert.match(
      await page.evaluate(`document.querySelector('svg').getAttribute('aria-label')`),
      /^Round trips: the last \S+ ms, at most \S+ ms in 15 minutes$/,
    );
  });

  it('shows text of a peer as text, whatever it contains', async () => {
    await page.until(`document.querySelectorAll('article')[1].innerText.includes('<img src=x')`);
    assert.equal(await page.evaluate(`document.querySelectorAll('img').length`), 0);
    assert.match(await page.evaluate(text('#problems')), /no server greets/);
  });

  it('shows the label of a client as text, printable and not long', async () => {
    const label = `${markup}\x1b[2J${'!'.repeat(200)}`;
    await client.call('set_client_label', label);
    const shown = `${markup}\ufffd[2J${'!'.repeat(100)}`.slice(0, 100);
    await page.until(`document.querySelector('#connections .label').textContent !== ''`);
    assert.equal(await page.evaluate(`document.querySelector('#connections .label').textContent`), shown);
    assert.equal(await page.evaluate(`document.querySelectorAll('img').length`), 0);
    const response = await fetch(`http://${status.address}/status.json`);
    const { connections } = (await response.json()) as { connections: { label?: string }[] };
    assert.deepEqual(
      connections.map(({ label }) => label),
      [shown],
    );
  });

  it('refreshes itself, and shows a death with its diagnosis', async () => {
    await page.evaluate('window.mark = true');
    for (const connection of live.connections) connection.silence();
    await client.closed;
    await page.until(`document.querySelector('#deaths tr')`);
    const [frontend] = guard.frontends;
    assert.match(
      await page.evaluate(text('#deaths')),
      new RegExp(`\\t${live.address}\\t${frontend?.name}\\t1\\t[\\d.]+ m?s\\tits host acknowledged the ping`),
    );
    client = await connect();
    await page.until(`${text('#connections')}.includes('#2')`);
    assert.equal(await page.evaluate('window.mark'), true);
  });

  it('has titles, captions and contrast, light and dark, at 320 pixels', async () => {
    for (const scheme of ['light', 'dark'] as const) {
      await page.show(320, 640, scheme);
      const { ratio, text } = await page.evaluate<{ ratio: number; text: string }>(leastContrast);
      assert.ok(ratio >= 4.5, `${scheme}: ${ratio} at ${text}`);
    }
    // Else it would have to be scrolled sideways.
    const { scrollWidth = 0, clientWidth = 0 } = await page.evaluate<Record<string, number>>(
      `(({ scrollWidth, clientWidth }) => ({ scrollWidth, clientWidth }))(document.documentElement)`,
    );
    assert.ok(scrollWidth <= clientWidth, `${scrollWidth} > ${clientWidth}`);
    assert.equal(await page.evaluate(`document.querySelectorAll('h1').length`), 1);
    assert.equal(
      await page.evaluate(`[...document.querySelectorAll('caption')].every((it) => it.innerText !== '')`),
      true,
    );
  });

  it('says whether the guard has failed, or the page itself', async () => {
    await page.evaluate('window.theirs = window.fetch');
    await page.evaluate(`window.fetch = async () => new Response('', { status: 500 })`);
    await page.until(`${text('#state')} === 'the guard answers with status 500'`);
    assert.deepEqual(page.complaints, []);
    await page.evaluate(`window.fetch = async () => new Response('{}')`);
    await page.until(`${text('#state')} === 'this page cannot show the status'`);
    await page.evaluate('window.fetch = window.theirs');
    await page.until(`${text('#state')} !== 'this page cannot show the status'`);
    assert.notEqual(page.complaints.length, 0);
    for (const complaint of page.complaints.splice(0)) assert.match(complaint, /TypeError/);
  });

  it('says that guard is being stopped, and that it does not answer any more', async () => {
    stopping.abort();
    await page.until(`${text('#state')} === 'stopping'`);
    await status[Symbol.asyncDispose]();
    await page.until(`${text('#state')} === 'the guard does not answer'`);
    assert.notEqual(await page.evaluate(text('#connections')), '');
    // Only that the guard does not answer any more.
    assert.deepEqual(
      page.complaints.filter((complaint) => !complaint.includes('ERR_CONNECTION_REFUSED')),
      [],
    );
  });
});
