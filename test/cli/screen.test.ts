import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ZeoServer } from 'zeo-keepalive/testing';
import { findZeo } from '../support/python/environments.js';
import { startZeoServer } from '../support/python/zeo-server.js';
import { CommandOnTerminal, type TerminalOptions } from './terminal.js';

const { executable: python = '', missing } = findZeo('6.2');
const version = '6.2';

const open = (options: Omit<TerminalOptions, 'python'>) => new CommandOnTerminal({ python, ...options });
const fast = ['--period', '0.3', '--timeout', '0.5'];

describe('zeo-keepalive watch on a terminal', { skip: missing, timeout: 120_000 }, () => {
  for (const columns of [60, 120]) {
    it(`shows a stopped server on ${columns} columns and restores the terminal`, async () => {
      await using server = await startZeoServer({ version });
      await using terminal = open({ args: ['watch', ...fast, server.address], columns });
      await terminal.shows(/alive +\d\d:\d\d:\d\d +[\d.]+ +[\d.]+ +[\d.]+/);
      assert.ok(terminal.onAlternateScreen);
      assert.equal(/[▁▂▃▄▅▆▇█]/.test(terminal.text), columns === 120);

      server.signal('SIGSTOP');
      await terminal.shows(/ dead .*\n.*└ \d\d:\d\d:\d\d DEAD, silent for [\d.]+ s/);
      // A narrow screen wraps it.
      assert.match(terminal.text.replace(/\n */g, ' '), /so the server process hangs/);
      server.signal('SIGCONT');
      await terminal.shows(/ alive .*\n/);
      await terminal.shows(/back after [\d.]+ s/);
      assert.ok(terminal.screen.every((line) => line.length <= columns));

      terminal.type('\x03');
      assert.equal(await terminal.ended(), 0);
      assert.ok(!terminal.onAlternateScreen);
      // The cursor is visible, and lines wrap again.
      assert.ok(terminal.raw.lastIndexOf('\x1b[?25h') > terminal.raw.lastIndexOf('\x1b[?25l'));
      assert.ok(terminal.raw.lastIndexOf('\x1b[?7h') > terminal.raw.lastIndexOf('\x1b[?7l'));
      assert.match(terminal.text.replace(/\n */g, ' '), /alive, \d+ pings, 1 failed/);
    });
  }

  it('shows the worst of 200 storages first and counts the rest', async () => {
    const names = Array.from({ length: 199 }, (_, index) => `storage${index}`);
    await using server = await ZeoServer.listen({ storages: names });
    const addresses = names.map((name) => `zeo://${server.address}?storage=${name}`);
    await using terminal = open({ args: ['watch', '-p', '2', ...addresses, '127.0.0.1:1'], columns: 100 });
    await terminal.shows(/200 storages: 1 opening, 199 alive/, 60);
    const [, , , first, why] = terminal.screen;
    assert.match(first as string, /^127\.0\.0\.1:1 +opening/);
    assert.match(why as string, /└ .*ECONNREFUSED/);
    const [, rest] = /… and (\d+) more: (\d+) alive/.exec(terminal.text) as string[];
    const shown = terminal.screen.filter(
      (line) => line.includes('/storage') && line.includes('alive'),
    ).length;
    assert.equal(shown + Number(rest), 199);
    assert.ok(shown > 3);
    terminal.type('\x03');
    assert.equal(await terminal.ended(), 0);
  });

  it('uses colours unless NO_COLOR is set without FORCE_COLOR', async () => {
    await using server = await ZeoServer.listen();
    const green = '\x1b[32m';
    for (const [env, coloured] of [
      [{}, true],
      [{ NO_COLOR: '1' }, false],
      [{ NO_COLOR: '1', FORCE_COLOR: '1' }, true],
    ] as const) {
      await using terminal = open({ args: ['watch', ...fast, server.address], columns: 80, env });
      await terminal.shows(/ alive /);
      assert.equal(terminal.raw.includes(green), coloured, JSON.stringify(env));
      terminal.type('\x03');
      assert.equal(await terminal.ended(), 0);
    }
  });

  it('redraws with more columns after a resize', async () => {
    await using server = await ZeoServer.listen();
    await using terminal = open({ args: ['watch', ...fast, server.address], columns: 60 });
    await terminal.shows(/ alive /);
    assert.doesNotMatch(terminal.text, /LATELY/);
    terminal.resize(110, 30);
    await terminal.shows(/LATELY/);
    terminal.type('\x03');
    assert.equal(await terminal.ended(), 0);
  });

  it('draws nothing on the screen of the shell while suspended', async () => {
    await using server = await ZeoServer.listen();
    await using terminal = open({ args: ['watch', ...fast, server.address], columns: 60 });
    await terminal.shows(/ alive /);
    terminal.signal('SIGTSTP');
    await terminal.shows(/^\s*$/);
    // Until the next redraw is overdue.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    terminal.signal('SIGCONT');
    await terminal.shows(/ alive /);
    assert.ok(terminal.onAlternateScreen);
    terminal.type('\x03');
    assert.equal(await terminal.ended(), 0);
    const [, ...afterwards] = terminal.raw.split('\x1b[?1049l');
    const [meanwhile] = (afterwards[0] as string).split('\x1b[?1049h');
    assert.equal(meanwhile, '');
  });

  it('ends by SIGHUP when its terminal vanishes', async () => {
    await using server = await ZeoServer.listen();
    await using terminal = open({ args: ['watch', ...fast, server.address], columns: 60 });
    await terminal.shows(/ alive /);
    terminal.hangUp();
    // -1: ended by a signal, like any program whose terminal is gone.
    assert.equal(await terminal.ended(), -1);
  });

  it('restores the terminal on SIGTERM in the middle of a ping', async () => {
    await using server = await startZeoServer({ version });
    await using terminal = open({ args: ['watch', '-p', '1', '-t', '60', server.address], columns: 60 });
    await terminal.shows(/ alive /);
    server.signal('SIGSTOP');
    // By then a ping is out that is not answered.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    terminal.signal('SIGTERM');
    assert.equal(await terminal.ended(), 0);
    assert.ok(!terminal.onAlternateScreen);
  });

  it('prints plain lines on a terminal without cursor control', async () => {
    await using server = await ZeoServer.listen();
    await using terminal = open({
      args: ['watch', ...fast, server.address],
      columns: 80,
      env: { TERM: 'dumb' },
    });
    await terminal.shows(/ping answered/);
    assert.ok(!terminal.raw.includes('\x1b'));
    terminal.type('\x03');
    assert.equal(await terminal.ended(), 0);
  });
});
