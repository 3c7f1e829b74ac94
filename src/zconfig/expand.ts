import { ConfigError, plainly } from './config-error.js';
import { limits } from './config-limits.js';
import { type Definitions, neededValue, type Text } from './definitions.js';
import type { DirectiveNode, Document, Node, Position, SectionNode } from './document.js';

/** A section after substitutions and includes. The outermost one has no type. */
export interface Section {
  readonly type: string;
  readonly name: string | undefined;
  readonly at: Position;
  readonly settings: readonly Setting[];
  readonly sections: readonly Section[];
}

export interface Setting {
  readonly key: string;
  readonly text: Text;
  readonly at: Position;
}

/** Finds the file that an `%include` names. */
export type Include = (target: string, at: Position) => Promise<Document>;

/**
 * The tree of a document and everything that it includes.
 *
 * @throws ConfigError `ERR_ZCONFIG_SYNTAX`, `ERR_ZCONFIG_UNDEFINED`, `ERR_ZCONFIG_INCLUDE`, `ERR_ZCONFIG_LIMIT`, and
 * whatever `include` throws
 */
export async function expand(
  document: Document,
  definitions: Definitions,
  include: Include,
): Promise<Section> {
  const top = new SectionBuilder('', undefined, { file: document.file, line: 1 });
  await new Expansion(definitions, include).addAll(document.nodes, top, { files: [document.file], depth: 0 });
  return top;
}

/** The current position: the open files, innermost last, and the depth of sections. */
interface Place {
  readonly files: readonly string[];
  readonly depth: number;
}

class Expansion {
  readonly #definitions: Definitions;
  readonly #include: Include;

  constructor(definitions: Definitions, include: Include) {
    this.#definitions = definitions;
    this.#include = include;
  }

  /** In order, like ZConfig: a definition is valid from its line on. */
  async addAll(nodes: readonly Node[], to: SectionBuilder, place: Place): Promise<void> {
    for (const node of nodes) {
      switch (node.kind) {
        case 'setting': {
          const text = this.#definitions.substitute(node.value, node.at);
          to.settings.push({ key: node.key, text, at: node.at });
          break;
        }
        case 'section':
          to.add(await this.#section(node, place));
          break;
        case 'define':
          this.#definitions.define(node.argument, node.at);
          break;
        case 'import':
          // Loads the schema of a Python package, for sections that do not matter here.
          this.#definitions.substitute(node.argument, node.at);
          break;
        case 'include':
          await this.#included(node, to, place);
      }
    }
  }

  async #section({ type, name, at, nodes }: SectionNode, place: Place): Promise<Section> {
    if (place.depth === limits.sectionDepth) {
      const expected = `at most ${limits.sectionDepth} nested sections`;
      throw new ConfigError('ERR_ZCONFIG_LIMIT', at, { expected });
    }
    const section = new SectionBuilder(type, name, at);
    await this.addAll(nodes, section, { ...place, depth: place.depth + 1 });
    return section;
  }

  /** The file's contents become part of the section that includes it. */
  async #included({ argument, at }: DirectiveNode, to: SectionBuilder, place: Place): Promise<void> {
    if (place.files.length === limits.includeDepth) {
      const expected = `at most ${limits.includeDepth} nested includes`;
      throw new ConfigError('ERR_ZCONFIG_LIMIT', at, { expected });
    }
    const target = neededValue(this.#definitions.substitute(argument, at));
    const { file, nodes } = await this.#include(target, at);
    if (place.files.includes(file)) {
      const found = `${file}, which is being read already`;
      throw new ConfigError('ERR_ZCONFIG_INCLUDE', at, { expected: 'another file', found });
    }
    await this.addAll(nodes, to, { ...place, files: [...place.files, file] });
  }
}

class SectionBuilder implements Section {
  readonly type: string;
  readonly name: string | undefined;
  readonly at: Position;
  readonly settings: Setting[] = [];
  readonly sections: Section[] = [];
  readonly #byName = new Map<string, Section>();

  constructor(type: string, name: string | undefined, at: Position) {
    this.type = type;
    this.name = name;
    this.at = at;
  }

  /** A name may occur only once in a section, whatever the types (ZConfig/matcher.py). */
  add(section: Section): void {
    const { name, at } = section;
    const other = name === undefined ? undefined : this.#byName.get(name);
    if (name !== undefined && other !== undefined) {
      const expected = `a name other than that of ${other.at.file}:${other.at.line}`;
      throw ConfigError.syntax(at, expected, plainly(name, 'this one'));
    }
    if (name !== undefined) this.#byName.set(name, section);
    this.sections.push(section);
  }
}
