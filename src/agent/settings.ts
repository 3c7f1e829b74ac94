/**
 * What a user sets: from the environment, which is how a host is tuned, or as options, which override it.
 * This is the only place that validates it.
 */
import {
  anything,
  type Datatype,
  invalidOption,
  longestSeconds,
  type NumberRange,
  numeric,
  type OptionTypes,
  oneOf,
  parsed,
  readOption,
} from '../model/option-check.js';
import { type LikelySeconds, unlikelySeconds } from '../model/unlikely-seconds.js';
import { environmentBooleans, readBoolean } from '../model/words.js';
import { checkLogger, type LevelName, type LogOptions, levelNames } from '../observability/log.js';
import { SocketMatcher, type SocketSelection } from '../sockets/matcher.js';
import { workerFile } from '../threads/worker-file.js';

/** Options of the agent. Durations are in seconds, as the original's. */
export interface KeepAliveOptions extends Pick<LogOptions, 'logger'> {
  /** Seconds between two pings of one storage. Zero or negative: the agent is not started. */
  readonly period?: number | undefined;
  /** Seconds a peer may stay silent after a ping. Default: the smaller of 5 and the period. */
  readonly timeout?: number | undefined;
  /**
   * Seconds a server may stay silent after a ping that its host has acknowledged. Default: the timeout, for adapters (`pgPool`,
   * `ioredisClient`) the longer of 30 and five timeouts. A target may have its own.
   */
  readonly hangTimeout?: number | undefined;
  /** Pings in flight at once. A ping that waits in silence does not count for long. Default 128. */
  readonly concurrency?: number | undefined;
  /** Fraction, 0 to 1, by which each sleep may be shortened at random. Default 0.1. */
  readonly jitter?: number | undefined;
  /** A storage that received bytes within the period counts as alive without a ping. Default `false`. */
  readonly skipActive?: boolean | undefined;
  /**
   * Which outgoing TCP connections of the process are watched beside: patterns as `ZEO_KEEPALIVE_SOCKETS` has them, such as
   * `all`, or what to include and to leave out. Default: none.
   */
  readonly sockets?: string | readonly string[] | SocketSelection | undefined;
  /**
   * In a bundle: the path or file URL of `dist/workers/keep-alive.worker.js` in an installed copy of the same version. Default:
   * this package's own.
   */
  readonly worker?: string | URL | undefined;
  /** zLOG or pino level name. Default `info`, or the level of the logger given. */
  readonly level?: LevelName | undefined;
}

export interface Settings {
  readonly periodMs: number;
  readonly timeoutMs: number;
  /** `undefined`: each target's default. */
  readonly hangTimeoutMs: number | undefined;
  readonly concurrency: number;
  readonly jitter: number;
  readonly skipActive: boolean;
  /** `undefined`: no sockets are watched. */
  readonly sockets: SocketMatcher | undefined;
  /** `undefined`: the package's own. */
  readonly worker: URL | undefined;
  readonly level: LevelName | undefined;
}

export interface ResolvedSettings {
  /** `undefined`: the period is absent, zero or negative, so the agent is not to be started. */
  readonly settings: Settings | undefined;
  readonly level: LevelName | undefined;
  /** What a user most likely did not mean, as messages. */
  readonly warnings: readonly string[];
}

const prefix = 'ZEO_KEEPALIVE_';

const variables = {
  period: `${prefix}PERIOD`,
  timeout: `${prefix}TIMEOUT`,
  hangTimeout: `${prefix}HANG_TIMEOUT`,
  concurrency: `${prefix}CONCURRENCY`,
  jitter: `${prefix}JITTER`,
  skipActive: `${prefix}SKIP_ACTIVE`,
  sockets: `${prefix}SOCKETS`,
  worker: `${prefix}WORKER`,
  level: `${prefix}LOG_LEVEL`,
} as const satisfies Readonly<Record<Exclude<keyof KeepAliveOptions, 'logger'>, string>>;

type SettingName = keyof typeof variables;

const optionNames = [...(Object.keys(variables) as SettingName[]), 'logger'] as const;

/** The types of all options for whoever takes them with others: they are checked when they are resolved. */
export const uncheckedOptions = Object.fromEntries(
  optionNames.map((name) => [name, anything]),
) as OptionTypes<KeepAliveOptions>;

const code = 'ERR_KEEPALIVE_INVALID_SETTING';

// Number() would also read '0x10', '1e400' as infinity, and '' as zero.
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** The environment has text; options may have it, too. */
const number = (range: NumberRange) =>
  parsed(
    (given: unknown) => (typeof given === 'string' && decimal.test(given) ? Number(given) : given),
    numeric(range),
  );
const levels = oneOf(...(Object.keys(levelNames) as LevelName[]));

const types = {
  period: number({ most: longestSeconds, unit: 'seconds' }),
  timeout: number({ least: 0.001, most: longestSeconds, unit: 'seconds' }),
  hangTimeout: number({ least: 0.001, most: longestSeconds, unit: 'seconds' }),
  concurrency: number({ least: 1, most: 65_536, isWhole: true }),
  jitter: number({ least: 0, most: 1 }),
  skipActive: {
    expected: oneOf(...environmentBooleans.keys()).expected,
    read: (given: unknown) =>
      typeof given === 'boolean' ? given : readBoolean(environmentBooleans, String(given)),
  },
  worker: workerFile,
  level: parsed((given: unknown) => String(given).toLowerCase(), levels),
};

/**
 * Others were most likely meant in another unit. No firewall that is worth a ping waits for more than an hour, and nobody for an
 * answer for more than ten minutes; in less than 10 ms many a server could not answer.
 */
const likely = {
  period: { least: 0.01, most: 3600 },
  timeout: { least: 0.01, most: 600 },
  hangTimeout: { least: 0.01, most: 3600 },
} as const satisfies Partial<Record<SettingName, LikelySeconds>>;

/**
 * Reads the settings: options over environment over defaults.
 *
 * @throws KeepAliveError `ERR_KEEPALIVE_INVALID_SETTING`, naming what was set, to what, and what is accepted.
 */
export function resolveSettings(options: KeepAliveOptions, env: NodeJS.ProcessEnv): ResolvedSettings {
  const read = <T>(name: SettingName, type: Datatype<T>): T | undefined => {
    const given = pick(name, options, env);
    return given === undefined ? undefined : readOption(code, given.label, type, given.value);
  };
  // Everything is read, and so complained about, even when the agent is not to be started.
  const level = read('level', types.level);
  const seconds = read('period', types.period);
  const timeout = read('timeout', types.timeout);
  const hangTimeout = read('hangTimeout', types.hangTimeout);
  const concurrency = read('concurrency', types.concurrency);
  const jitter = read('jitter', types.jitter);
  const skipActive = read('skipActive', types.skipActive);
  const sockets = readSockets(options, env);
  const worker = read('worker', types.worker);
  if (options.logger !== undefined) parseLogger(options.logger);
  const warnings = Object.keys(env)
    .filter((name) => name.startsWith(prefix) && !Object.values<string>(variables).includes(name))
    .map(
      (name) =>
        `Unknown environment variable ${name}; the known ones are ${Object.values(variables).join(', ')}`,
    );
  const known = [...optionNames, 'databases'];
  for (const name of Object.keys(options)) {
    if (!known.includes(name))
      warnings.push(`Unknown option ${name}; the known ones are ${known.join(', ')}`);
  }
  if (seconds === undefined || seconds <= 0) {
    if (sockets !== undefined)
      warnings.push(`No socket is watched: ${variables.period} is not set, or it is zero or negative`);
    return { settings: undefined, level, warnings };
  }
  for (const [name, value] of [
    ['period', seconds],
    ['timeout', timeout],
    ['hangTimeout', hangTimeout],
  ] as const) {
    const label = pick(name, options, env)?.label;
    if (label === undefined || value === undefined) continue;
    const warning = unlikelySeconds(label, value, likely[name]);
    if (warning !== undefined) warnings.push(warning);
  }
  // Less than a millisecond would make the loop spin.
  const periodMs = Math.max(1, seconds * 1000);
  const timeoutMs = timeout === undefined ? Math.min(5000, periodMs) : timeout * 1000;
  const hangTimeoutMs = hangTimeout === undefined ? undefined : hangTimeout * 1000;
  if (hangTimeoutMs !== undefined && hangTimeoutMs < timeoutMs) {
    const { label } = pick('hangTimeout', options, env) as Given;
    warnings.push(`${label} has no effect: it is shorter than the timeout of ${timeoutMs / 1000} s`);
  }
  const settings: Settings = {
    periodMs,
    timeoutMs,
    hangTimeoutMs,
    concurrency: concurrency ?? 128,
    jitter: jitter ?? 0.1,
    skipActive: skipActive ?? false,
    sockets,
    worker,
    level,
  };
  return { settings, level, warnings };
}

/** The options of the agent that an object has, without whatever else it has. */
export function pickOptions(given: KeepAliveOptions): KeepAliveOptions {
  return Object.fromEntries(optionNames.map((name) => [name, given[name]]));
}

/** @throws KeepAliveError `ERR_KEEPALIVE_INVALID_SETTING` for what is not a pattern */
function readSockets(options: KeepAliveOptions, env: NodeJS.ProcessEnv): SocketMatcher | undefined {
  const given = pick('sockets', options, env);
  if (given === undefined) return undefined;
  const { label, value } = given;
  return typeof value === 'string'
    ? SocketMatcher.fromVariable(value, label)
    : SocketMatcher.fromSelection(value as SocketSelection, label);
}

/** A setting as it was given, and what to call it in an error. */
interface Given {
  readonly label: string;
  readonly value: unknown;
}

function pick(name: SettingName, options: KeepAliveOptions, env: NodeJS.ProcessEnv): Given | undefined {
  const option = options[name];
  if (option !== undefined) return { label: `Option ${name}`, value: option };
  const value = readVariable(name, env);
  return value === undefined ? undefined : { label: variables[name], value };
}

/** What the environment says of a setting. A variable set to nothing is how many deployment tools spell an absent one. */
export function readVariable(name: SettingName, env: NodeJS.ProcessEnv): string | undefined {
  return env[variables[name]]?.trim() || undefined;
}

function parseLogger(value: unknown): void {
  try {
    checkLogger(value);
  } catch (error) {
    throw invalidOption(code, 'Option logger', (error as Error).message, value);
  }
}
