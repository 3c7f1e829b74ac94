/** A configuration file as written: nested sections, before substitutions and includes. */
export interface Document {
  /** The path, as the user or the including file gave it. */
  readonly file: string;
  readonly nodes: readonly Node[];
}

/** A place in a file. Lines count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
}

export type Node = SectionNode | SettingNode | DirectiveNode;

/** `<type name>` … `</type>`, or `<type name/>`. Both are in lower case, as ZConfig compares them. */
export interface SectionNode {
  readonly kind: 'section';
  readonly type: string;
  readonly name: string | undefined;
  readonly at: Position;
  readonly nodes: readonly Node[];
}

/** `key value`. The key is as written: whether its case matters is up to the section. */
export interface SettingNode {
  readonly kind: 'setting';
  readonly key: string;
  /** Empty if there is no value. */
  readonly value: string;
  readonly at: Position;
}

/** `%directive argument` */
export interface DirectiveNode {
  readonly kind: 'define' | 'import' | 'include';
  readonly argument: string;
  readonly at: Position;
}
