import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { environmentInWords } from '../environment.js';
import { type Figure, formatValue, isMet, targetInWords } from '../figure.js';
import type { Result } from '../results.js';
import { drawBars } from './plot.js';
import { baselineInWords, ratioInWords, valueInWords } from './words.js';

/** Fewer figures are read more easily in their table. */
const fewestBars = 4;

/** Writes `performance.md`, and its plots beside it in `performance/`. */
export function writePage(folder: string, results: readonly Result[]): void {
  const plotFolder = path.join(folder, 'performance');
  rmSync(plotFolder, { recursive: true, force: true });
  mkdirSync(plotFolder, { recursive: true });
  const sections = results.map((result) => {
    const links = plotsOf(result).map(({ file, unit, svg }) => {
      writeFileSync(path.join(plotFolder, file), svg);
      return `![${result.title}, in ${unit}](performance/${file})`;
    });
    return section(result, links);
  });
  writeFileSync(path.join(folder, 'performance.md'), `${[head(results), ...sections].join('\n\n')}\n`);
}

interface Plot {
  readonly file: string;
  readonly unit: string;
  readonly svg: string;
}

function plotsOf({ scenario, figures }: Result): Plot[] {
  const units = [...new Set(figures.map(({ unit }) => unit))];
  return units.flatMap((unit) => {
    const bars = firstOfEach(figures.filter((figure) => figure.unit === unit));
    if (bars.length < fewestBars) return [];
    const name = unit.replace('µ', 'u').replace('%', 'percent');
    return { file: `${scenario}-${name}.svg`, unit, svg: drawBars(bars, unit) };
  });
}

function head(results: readonly Result[]): string {
  const judged = results.flatMap(({ title, figures }) =>
    figures.filter(({ target }) => target !== undefined).map((figure) => ({ title, figure })),
  );
  const rows = judged.map(({ title, figure }) => [
    title,
    `${figure.subject}, ${figure.of}`,
    valueInWords(figure),
    ratioInWords(figure),
    baselineInWords(figure),
    targetInWords(figure),
    isMet(figure) ? 'reached' : '**missed**',
  ]);
  const missed = judged.filter(({ figure }) => !isMet(figure)).length;
  const quick = results.some((result) => result.quick)
    ? '\n\n**Not to be published: from a run with `--quick`.**'
    : '';
  return `# Performance

Made by \`npm run bench -- --write\` from its own run; not edited by hand. \`npm run bench -- --page\` makes the page and its
plots again from \`performance.json\`. Each figure is the median of several processes, measured in turn with what it is
compared to (ABAB…), because other programs had their share of the machine: read the ratios, not the times. Where the
cost goes is in [performance-profile.md](performance-profile.md).${quick}

## What was to be reached

${judged.length - missed} of ${judged.length} reached.

${markdownTable(['scenario', 'what', 'median', 'ratio', 'against', 'target', ''], rows)}`;
}

function section(result: Result, plots: readonly string[]): string {
  const { title, about, figures, environment } = result;
  const notes = figures.flatMap(({ subject, of, note }) =>
    note === undefined ? [] : `- ${subject}, ${of}: ${note}`,
  );
  return [
    `## ${title}`,
    about,
    figures.length > 0 ? tableOf(figures) : 'Not measured here: see above what it needs.',
    ...(plots.length > 0 ? [plots.join('\n\n')] : []),
    ...(notes.length > 0 ? [notes.join('\n')] : []),
    environmentInWords(environment),
  ].join('\n\n');
}

/** A row a subject and a column a case; or, when most of that would be empty, a row a figure. */
function tableOf(figures: readonly Figure[]): string {
  const subjects = [...new Set(figures.map(({ subject }) => subject))];
  const cases = [...new Set(figures.map(({ of }) => of))];
  const shown = firstOfEach(figures);
  if (shown.length < (subjects.length * cases.length) / 2) {
    const rows = shown.map((figure) => [figure.subject, figure.of, ...cells(figure)]);
    return markdownTable(['', '', 'median', 'lowest to highest', 'ratio', 'against'], rows);
  }
  const rows = subjects.map((subject) => [
    subject,
    ...cases.map((of) => {
      const figure = shown.find((figure) => figure.subject === subject && figure.of === of);
      return figure === undefined ? '' : `${valueInWords(figure)}${inBrackets(ratioInWords(figure))}`;
    }),
  ]);
  return markdownTable(['', ...cases], rows);
}

function cells(figure: Figure): string[] {
  const { range } = figure;
  return [
    valueInWords(figure),
    range === undefined ? '' : `${formatValue(range[0])} to ${formatValue(range[1])}`,
    ratioInWords(figure),
    baselineInWords(figure),
  ];
}

function inBrackets(text: string): string {
  return text === '' ? '' : ` (${text})`;
}

/** A figure may come again, compared to something else. */
function firstOfEach(figures: readonly Figure[]): Figure[] {
  const isFirst = (figure: Figure, index: number) =>
    figures.findIndex(({ subject, of }) => subject === figure.subject && of === figure.of) === index;
  return figures.filter(isFirst);
}

function markdownTable(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}
