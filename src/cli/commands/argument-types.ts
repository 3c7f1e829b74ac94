import { InvalidArgumentError } from 'commander';
import { type Datatype, numeric } from '../../model/option-check.js';
import { parseListenAddress } from '../io/listen-address.js';

/** Any number: the settings check the range. */
export const number = argument(numeric({}));
export const seconds = argument(numeric({ least: 0.001, most: 600, unit: 'seconds' }));
export const lockSeconds = argument(numeric({ least: 0, unit: 'seconds' }));
export const grace = argument(numeric({ least: 0, most: 600, unit: 'seconds' }));
export const milliseconds = argument(numeric({ least: 0, unit: 'milliseconds' }));

function argument(type: Datatype<number>): (text: string) => number {
  return (text) => {
    const given = text.trim() === '' ? Number.NaN : Number(text);
    const value = Number.isFinite(given) ? type.read(given) : undefined;
    // Commander adds what was received.
    if (value === undefined) throw new InvalidArgumentError(`Expected ${type.expected}.`);
    return value;
  };
}

/** Where to listen. */
export function listen(text: string) {
  try {
    return parseListenAddress(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}
