/*
 * ZConfig's syntax, as in ZConfig/cfgparser.py:
 *
 * - Only a line feed ends a line. White space around a line is ignored; lines cannot be continued.
 * - A line is empty, a `# comment`, a `<section start>`, a `<section start/>` without content, a `</section end>`,
 *   a `%directive` or a `key value`. A `#` further on in a line is part of the value.
 * - A key ends at white space or at a parenthesis: `key(value` is a key and a value.
 * - Sections are balanced within each file: an included file cannot open or close sections of the file that includes it.
 */
import { ConfigError, plainly } from './config-error.js';
import { limits } from './config-limits.js';
import type { DirectiveNode, Document, Node, Position, SectionNode, SettingNode } from './document.js';
import { space, strip, stripEnd } from './whitespace.js';

type OpenSection = SectionNode & { readonly nodes: Node[] };

const word = `[^${space}()]+`;
const header = new RegExp(`^(?<type>${word})(?:[${space}]+(?<name>${word}))?$`);
const keyAndValue = new RegExp(`^(?<key>${word})[${space}]*(?<value>.*)$`, 's');

/**
 * Text in, tree out. The text is already decoded.
 *
 * @throws ConfigError `ERR_ZCONFIG_SYNTAX`, `ERR_ZCONFIG_LIMIT`
 */
export function parseDocument(text: string, file: string): Document {
  if (text.startsWith('\ufeff')) {
    // ZConfig makes it part of the first key, which is then unknown.
    throw ConfigError.syntax({ file, line: 1 }, 'text without a byte order mark', 'one');
  }
  const top: Node[] = [];
  const open: OpenSection[] = [];
  for (const [index, content] of text.split('\n').entries()) {
    const at: Position = { file, line: index + 1 };
    if (content.length > limits.lineLength) {
      const expected = `a line of at most ${limits.lineLength} characters`;
      throw new ConfigError('ERR_ZCONFIG_LIMIT', at, { expected });
    }
    const line = strip(content);
    const nodes = open.at(-1)?.nodes ?? top;
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('</')) checkEnd(line, open.pop(), at);
    else if (line.startsWith('<')) {
      const { section, isEmpty } = parseStart(line, at);
      nodes.push(section);
      if (!isEmpty) open.push(section);
    } else if (line.startsWith('%')) nodes.push(parseDirective(line, at));
    else nodes.push(parseSetting(line, at));
  }
  const unclosed = open.at(-1);
  if (unclosed !== undefined) {
    throw ConfigError.syntax(
      unclosed.at,
      `a closing ${end(unclosed)} for this section`,
      'the end of the file',
    );
  }
  return { file, nodes: top };
}

function parseStart(line: string, at: Position): { section: OpenSection; isEmpty: boolean } {
  const isEmpty = line.endsWith('/>');
  const groups = line.endsWith('>')
    ? header.exec(stripEnd(line.slice(1, isEmpty ? -2 : -1)))?.groups
    : undefined;
  if (groups?.type === undefined) {
    throw ConfigError.syntax(at, '<TYPE>, <TYPE NAME>, <TYPE/> or <TYPE NAME/> alone on its line');
  }
  const section: OpenSection = {
    kind: 'section',
    type: groups.type.toLowerCase(),
    name: groups.name?.toLowerCase(),
    at,
    nodes: [],
  };
  return { section, isEmpty };
}

function checkEnd(line: string, section: OpenSection | undefined, at: Position): void {
  if (!line.endsWith('>')) throw ConfigError.syntax(at, '</TYPE> alone on its line');
  const type = stripEnd(line.slice(2, -1)).toLowerCase();
  const found = `</${plainly(type, '…')}>`;
  if (section === undefined) throw ConfigError.syntax(at, 'an open section to end', found);
  if (section.type !== type) {
    throw ConfigError.syntax(at, `${end(section)} for line ${section.at.line}`, found);
  }
}

function parseDirective(line: string, at: Position): DirectiveNode {
  const { key, value: argument = '' } = keyAndValue.exec(line.slice(1))?.groups ?? {};
  if (key !== 'define' && key !== 'import' && key !== 'include') {
    throw ConfigError.syntax(at, '%define, %import or %include');
  }
  if (argument === '') throw ConfigError.syntax(at, `an argument after %${key}`, 'the end of the line');
  return { kind: key, argument, at };
}

function parseSetting(line: string, at: Position): SettingNode {
  const { key, value = '' } = keyAndValue.exec(line)?.groups ?? {};
  if (key === undefined) {
    throw ConfigError.syntax(at, 'KEY VALUE, a <section>, a %directive or a # comment', 'a parenthesis');
  }
  return { kind: 'setting', key, value, at };
}

const end = ({ type }: SectionNode) => `</${plainly(type, '…')}>`;
