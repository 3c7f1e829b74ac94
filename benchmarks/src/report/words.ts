import { type Figure, formatValue, isMet, ratioOf } from '../figure.js';

export function valueInWords({ value, unit }: Figure): string {
  return Number.isFinite(value) ? `${formatValue(value)} ${unit}` : formatValue(value);
}

/** Its relation to the baseline; empty without one. */
export function ratioInWords(figure: Figure): string {
  const { value, baseline, target } = figure;
  const ratio = ratioOf(figure);
  if (baseline === undefined || ratio === undefined || !Number.isFinite(ratio)) return '';
  if (target?.on !== 'difference') return `${ratio.toFixed(2)} x`;
  const difference = value - baseline.value;
  return `${difference < 0 ? '-' : '+'}${formatValue(Math.abs(difference))}`;
}

export function baselineInWords({ baseline }: Figure): string {
  return baseline === undefined ? '' : [baseline.subject, baseline.of].filter(Boolean).join(', ');
}

/** Empty without a target. */
export function verdictInWords(figure: Figure): string {
  const met = isMet(figure);
  return met === undefined ? '' : met ? 'reached' : 'missed';
}
