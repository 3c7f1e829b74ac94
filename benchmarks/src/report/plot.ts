import { BarChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { type EChartsType, init, use } from 'echarts/core';
import { LegacyGridContainLabel } from 'echarts/features';
import { SVGRenderer } from 'echarts/renderers';
import { type Figure, formatValue } from '../figure.js';

use([BarChart, GridComponent, LegacyGridContainLabel, LegendComponent, TitleComponent, SVGRenderer]);

const width = 860;
const barHeight = 15;
/** Above and below the bars: legend, axis. */
const margin = 130;
const fontFamily = 'Arial, Helvetica, sans-serif';
/** The style of nearly all text, which ECharts repeats on every element. */
const textStyle = `style="font-size:12px;font-family:${fontFamily};"`;
/** Values that are further apart than this are drawn on a logarithmic axis. */
const largestLinearRatio = 50;

/** Figures of one unit as bars, as a standalone SVG: a group for each case, with a bar for each subject. */
export function drawBars(figures: readonly Figure[], unit: string): string {
  const subjects = distinct(figures.map(({ subject }) => subject));
  const cases = distinct(figures.map(({ of }) => of));
  const drawn = figures.map(({ value }) => value).filter((value) => Number.isFinite(value) && value > 0);
  const isLogarithmic = Math.max(...drawn) / Math.min(...drawn) > largestLinearRatio;
  const min = isLogarithmic ? lowerPower(drawn) : 0;
  const height = margin + cases.length * (subjects.length * barHeight + 20);
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    textStyle: { fontFamily },
    // Widths are estimated here, and the reader's font may be wider.
    legend: { top: 8, itemGap: 32 },
    grid: { left: 48, right: 90, top: 80, bottom: 30, containLabel: true },
    xAxis: { type: isLogarithmic ? 'log' : 'value', name: unit, min },
    yAxis: { type: 'category', data: cases, inverse: true },
    series: subjects.map((subject) => ({
      type: 'bar',
      name: subject,
      // No gaps between the bars of a group.
      barGap: 0,
      data: cases.map((of) => bar(figures, subject, of, min)),
      label: { show: true, position: 'right', formatter: ({ data }: { data: Bar }) => data.text },
    })),
  });
  return finished(chart);
}

/**
 * Drops what only reacts to a pointer, since the page shows the plots as images, and sets the style of the text once, on the root
 * element. Each saves a fifth of the file.
 */
function finished(chart: EChartsType): string {
  const svg = chart.renderToSVGString();
  chart.dispose();
  const still = svg
    .replace(/<style.*?<\/style>\n?/gs, '')
    .replace(/ (?:pointer-events|class|ecmeta_\w+)="[^"]*"/g, '')
    .replaceAll(` ${textStyle}`, '')
    .replace('<svg', `<svg ${textStyle}`);
  return `${still}\n`;
}

/** A figure of each of several subjects, the same ones in all panels. */
export interface Panel {
  readonly title: string;
  readonly figures: readonly Figure[];
}

/** Panels side by side, with a row for each subject of the first; as a standalone SVG. */
export function drawPanels(panels: readonly Panel[]): string {
  const [first] = panels;
  const subjects = first?.figures.map(({ subject }) => subject) ?? [];
  const left = (index: number) => namesWidth + index * panelWidth;
  const height = 100 + subjects.length * rowHeight;
  const chart = init(null, null, {
    renderer: 'svg',
    ssr: true,
    width: left(panels.length) + gap,
    height,
  });
  const color = (subject: string) => (subject === subjects[0] ? ownColor : othersColor);
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    textStyle: { fontFamily },
    title: panels.map(({ title }, index) => ({
      text: title,
      left: left(index),
      top: 16,
      textStyle: { fontSize: 13, fontWeight: 'normal' },
    })),
    grid: panels.map((_, index) => ({
      left: left(index),
      width: panelWidth - gap,
      top: 50,
      height: subjects.length * rowHeight,
    })),
    xAxis: panels.map(({ figures }, gridIndex) => ({
      gridIndex,
      type: 'value',
      min: 0,
      // An axis without a bar has no length of its own.
      ...(figures.every(({ value }) => !(Number.isFinite(value) && value > 0)) && { max: 1 }),
      name: figures[0]?.unit ?? '',
    })),
    yAxis: panels.map((_, gridIndex) => ({
      gridIndex,
      type: 'category',
      data: subjects,
      inverse: true,
      axisTick: { show: false },
      axisLabel: { show: gridIndex === 0 },
    })),
    series: panels.map(({ figures }, index) => ({
      type: 'bar',
      xAxisIndex: index,
      yAxisIndex: index,
      barWidth: rowHeight / 2,
      data: subjects.map((subject) => ({
        ...bar(figures, subject, figures[0]?.of ?? '', 0),
        itemStyle: { color: color(subject) },
      })),
      label: { show: true, position: 'right', formatter: ({ data }: { data: Bar }) => data.text },
    })),
  });
  return finished(chart);
}

const namesWidth = 190;
const panelWidth = 420;
const gap = 60;
const rowHeight = 26;
const ownColor = '#1f6feb';
const othersColor = '#9aa4b2';

interface Bar {
  /** `-`: the library's value for no bar. */
  readonly value: number | '-';
  readonly text: string;
}

/** An event that never came, or a zero on a logarithmic axis, has a label instead of a bar. */
function bar(figures: readonly Figure[], subject: string, of: string, min: number): Bar {
  const figure = figures.find((figure) => figure.subject === subject && figure.of === of);
  if (figure === undefined) return { value: '-', text: '' };
  const { value } = figure;
  return { value: Number.isFinite(value) ? Math.max(min, value) : min, text: formatValue(value) };
}

function lowerPower(values: readonly number[]): number {
  return 10 ** Math.floor(Math.log10(Math.min(...values)));
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)];
}
