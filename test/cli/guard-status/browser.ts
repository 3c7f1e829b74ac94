import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';
import { missingCommand } from '../../support/missing-command.js';

/** Debian's package `chromium`. */
const executable = '/usr/bin/chromium';

/** Why there is no browser; `undefined` if there is one. */
export const missingBrowser = missingCommand(executable);

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly [name: string]: unknown };
  readonly result?: { readonly [name: string]: unknown };
  readonly error?: { readonly message: string };
}

/** A page in a headless Chromium of its own, over the DevTools protocol. */
export class BrowserPage implements AsyncDisposable {
  /** What the console would show: errors of scripts, and what the page's policy has refused. */
  readonly complaints: string[] = [];
  readonly #end: () => Promise<void>;
  readonly #socket: WebSocket;
  readonly #messages = new EventEmitter();
  #session: string | undefined;
  #lastId = 0;

  static async open(): Promise<BrowserPage> {
    const profile = await mkdtemp(path.join(tmpdir(), 'guard-status-browser-'));
    const flags = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--no-first-run',
    ];
    const child = spawn(
      executable,
      [...flags, '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const exited = once(child, 'exit');
    const end = async () => {
      child.kill('SIGKILL');
      await exited;
      // Its helper processes may still be writing.
      await rm(profile, { recursive: true, force: true, maxRetries: 10 });
    };
    for await (const line of createInterface(child.stderr)) {
      const [, url] = /^DevTools listening on (ws:\S+)$/.exec(line) ?? [];
      if (url === undefined) continue;
      child.stderr.resume();
      const socket = new WebSocket(url);
      await once(socket, 'open');
      const page = new BrowserPage(socket, end);
      await page.#attach();
      return page;
    }
    await end();
    throw new Error('Chromium ended without listening');
  }

  private constructor(socket: WebSocket, end: () => Promise<void>) {
    this.#socket = socket;
    this.#end = end;
    this.#messages.setMaxListeners(0);
    socket.on('message', (data) => {
      const { id, method, params, result, error } = JSON.parse(String(data)) as Message;
      if (id !== undefined) this.#messages.emit(String(id), error, result);
      if (method === 'Log.entryAdded' || method === 'Runtime.exceptionThrown')
        this.complaints.push(JSON.stringify(params));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#end();
  }

  async goTo(url: string): Promise<void> {
    await this.send('Page.navigate', { url });
  }

  /** Evaluates an expression in the page; a promise is awaited. */
  async evaluate<Value>(expression: string): Promise<Value> {
    const options = { awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, ...options });
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { value: Value }).value;
  }

  /** Resolves when an expression has become true in the page. */
  async until(expression: string): Promise<void> {
    await this.evaluate(`new Promise((resolve) => {
      const check = () => ((${expression}) ? resolve() : setTimeout(check, 50));
      check();
    })`);
  }

  /** @param scheme what `prefers-color-scheme` is */
  async show(width: number, height: number, scheme: 'light' | 'dark'): Promise<void> {
    await this.send('Emulation.setDeviceMetricsOverride', {
      ...{ width, height, deviceScaleFactor: 1, mobile: false },
    });
    await this.send('Emulation.setEmulatedMedia', {
      features: [{ name: 'prefers-color-scheme', value: scheme }],
    });
  }

  /** A PNG of the whole page. */
  async screenshot(): Promise<Buffer> {
    const { data } = await this.send('Page.captureScreenshot', { captureBeyondViewport: true });
    return Buffer.from(data as string, 'base64');
  }

  async send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    this.#lastId += 1;
    const id = this.#lastId;
    const answered = once(this.#messages, String(id));
    this.#socket.send(JSON.stringify({ id, method, params, sessionId: this.#session }));
    const [error, result] = await answered;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  async #attach(): Promise<void> {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    this.#session = sessionId as string;
    for (const domain of ['Page', 'Runtime', 'Log']) await this.send(`${domain}.enable`);
  }
}
