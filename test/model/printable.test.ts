import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { printable, printableBytes, printableJson } from '#src/model/printable.js';
import { receivedValue } from '#src/model/received-value.js';

const obeyed = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const anyText = fc.string({ unit: 'binary', maxLength: 80 });

describe('printable()', () => {
  it('replaces each run of control characters by one mark', () => {
    assert.equal(printable('a\x1b\x07[2J\u009b31m\u202ecod\ud800 é'), 'a\ufffd[2J\ufffd31m\ufffdcod\ufffd é');
  });

  it('leaves no character that could control a terminal', () => {
    fc.assert(fc.property(anyText, (text) => assert.doesNotMatch(printable(text), obeyed)));
  });
});

describe('printableJson()', () => {
  it('leaves no control character, and keeps the meaning of the JSON', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const json = printableJson(JSON.stringify({ [text]: text }));
        assert.doesNotMatch(json, obeyed);
        assert.deepEqual(JSON.parse(json), { [text]: text });
      }),
    );
  });

  it('is used for received values in error messages', () => {
    assert.equal(receivedValue('a\u009b31m\u202e'), '"a\\u009b31m\\u202e"');
    assert.equal(receivedValue({ '\u202e': 1 }), '{ "\\u202e": number }');
  });
});

describe('printableBytes()', () => {
  it('escapes all but printable ASCII, and cuts at the limit', () => {
    assert.equal(printableBytes(Buffer.from('a~ \n\x7f\xff', 'latin1')), 'a~ \\x0a\\x7f\\xff');
    assert.equal(printableBytes(Buffer.from('x'.repeat(41))), `${'x'.repeat(40)}…`);
    assert.equal(printableBytes(Buffer.from('abc').subarray(1), 1), 'b…');
  });
});
