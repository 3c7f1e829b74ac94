import { BarChart } from 'echarts/charts';
import { GridComponent, LegendComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { LegacyGridContainLabel } from 'echarts/features';
import { SVGRenderer } from 'echarts/renderers';
import { type Figure, formatValue } from '../figure.js';

use([BarChart, GridComponent, LegacyGridContainLabel, LegendComponent, SVGRenderer]);

const width = 860;
const barHeight = 15;
/** Above and below the bars: legend, axis. */
const margin = 130;
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
    textStyle: { fontFamily: 'Arial, Helvetica, sans-serif' },
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
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}

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
