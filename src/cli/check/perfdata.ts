/** A figure that a monitoring system can plot. */
export interface Figure {
  readonly label: string;
  readonly value: number;
  /** `c` is a counter, which only grows. */
  readonly unit: 'ms' | 's' | 'c' | '';
  readonly warning?: number | undefined;
  readonly critical?: number | undefined;
}

/**
 * Performance data in the format of the Monitoring Plugins Development Guidelines: `'label'=value[UOM];[warn];[crit];[min]`.
 *
 * @example formatFigures([{ label: 'main rtt', value: 0.412, unit: 'ms', warning: 100 }]) // "'main rtt'=0.412ms;100;;0"
 */
export function formatFigures(figures: readonly Figure[]): string {
  return figures.map(format).join(' ');
}

function format({ label, value, unit, warning, critical }: Figure): string {
  // `=` would end the label and `|` would begin other data; quotes are doubled.
  const quoted = `'${label.replace(/[=|]/g, '_').replaceAll("'", "''")}'`;
  return `${quoted}=${Number(value.toFixed(3))}${unit};${warning ?? ''};${critical ?? ''};0`;
}
