import { ConfigFiles } from '#src/zconfig/config-files.js';
import { Definitions, type Environment, neededValue } from '#src/zconfig/definitions.js';
import type { Document } from '#src/zconfig/document.js';
import { expand, type Section } from '#src/zconfig/expand.js';
import { parseDocument } from '#src/zconfig/parser.js';

/** A tree without positions, as the Python side writes it. */
export interface PlainSection {
  readonly type: string | null;
  readonly name: string | null;
  readonly settings: readonly (readonly [key: string, value: string])[];
  readonly sections: readonly PlainSection[];
}

/** The tree of a file with its includes. */
export async function treeOfFile(file: string, env: Environment = {}): Promise<Section> {
  const files = new ConfigFiles();
  return await expand(await files.open(file), new Definitions(env), files.include.bind(files));
}

/** The tree of a text without includes. */
export function treeOf(text: string, env: Environment = {}): Promise<Section> {
  const nothing = (): Promise<Document> => Promise.reject(new Error('There is nothing to include'));
  return expand(parseDocument(text, 'zope.conf'), new Definitions(env), nothing);
}

/** Reads every value: as in ZConfig, an environment variable that is not set is always an error. */
export function plainTree({ type, name, settings, sections }: Section): PlainSection {
  return {
    type: type === '' ? null : type,
    name: name ?? null,
    settings: settings.map(({ key, text }) => [key, neededValue(text)]),
    sections: sections.map(plainTree),
  };
}
