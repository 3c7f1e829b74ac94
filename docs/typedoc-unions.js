/** For typedoc: what is said of each text of a union, as of each error code, becomes a table; the Markdown leaves it out. */
import { Converter, LiteralType, ReflectionKind, UnionType } from 'typedoc';

export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => {
    for (const { type, comment } of project.getReflectionsByKind(ReflectionKind.TypeAlias)) {
      if (!(type instanceof UnionType) || type.elementSummaries === undefined) continue;
      if (comment === undefined || !type.types.every((member) => member instanceof LiteralType)) continue;
      const rows = type.types.map(({ value }, i) => {
        const text = (type.elementSummaries[i] ?? []).map((part) => part.text).join('');
        return `| \`${value}\` | ${text.replaceAll('\n', ' ').replaceAll('|', '\\|')} |`;
      });
      const table = ['', '', '| | |', '| --- | --- |', ...rows].join('\n');
      comment.summary.push({ kind: 'text', text: table });
    }
  });
}
