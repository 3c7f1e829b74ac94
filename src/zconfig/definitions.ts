/*
 * `%define` and the substitution of `$` in values, as in ZConfig/substitution.py:
 *
 *     $name  ${name}   the value of the %define, in any case; it is not substituted again
 *     $(NAME)          the environment variable of exactly that name
 *     $$               a dollar
 *
 * Any other `$` is an error, and so is a name that is not defined above. An environment variable that is not set is an
 * error only if the value is needed. ZConfig always refuses it, but this process does not run in Zope's environment, and
 * Plone's installer writes `var $(ZEO_TMP)`, which Zope's start script sets.
 */
import { ConfigError } from './config-error.js';
import { limits } from './config-limits.js';
import type { Position } from './document.js';
import { splitFirst } from './whitespace.js';

/** A value after substitution, or the variable that it lacks. */
export type Text =
  | { readonly value: string; readonly unset?: undefined }
  | { readonly value?: undefined; readonly unset: UnsetVariable };

/** An environment variable that is not set, and where it is referred to. */
interface UnsetVariable {
  readonly name: string;
  readonly at: Position;
}

/**
 * The value, for a key that needs it.
 *
 * @throws ConfigError `ERR_ZCONFIG_UNDEFINED` if an environment variable in it is not set
 */
export function neededValue({ value, unset }: Text): string {
  if (value !== undefined) return value;
  const expected = `the environment variable ${unset.name} to be set`;
  throw new ConfigError('ERR_ZCONFIG_UNDEFINED', unset.at, { expected });
}

export type Environment = Readonly<Record<string, string | undefined>>;

const name = '[a-zA-Z_][a-zA-Z0-9_]*';
const legalName = new RegExp(`^${name}$`);
const reference = new RegExp(
  `\\$(?:(?<dollar>\\$)|(?<plain>${name})|\\{(?<braced>${name})\\}|\\((?<variable>${name})\\))?`,
  'g',
);

/** The definitions so far, in all files: an included file sees those of the others and adds its own. */
export class Definitions {
  readonly #environment: Environment;
  readonly #definitions = new Map<string, { readonly text: Text; readonly at: Position }>();
  #lengthLeft: number = limits.expandedLength;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /**
   * `%define NAME VALUE`. Repeating a definition is allowed, changing it is not.
   *
   * @throws ConfigError `ERR_ZCONFIG_SYNTAX`, and what {@link substitute} throws
   */
  define(argument: string, at: Position): void {
    const [first, source] = splitFirst(argument);
    const key = first.toLowerCase();
    const known = this.#definitions.get(key);
    // Like ZConfig, compares the substituted value with the new one as it is written.
    if (known !== undefined && known.text.value !== source) {
      const { file, line } = known.at;
      throw ConfigError.syntax(at, `$${key} to keep its value from ${file}:${line}`);
    }
    if (!legalName.test(key)) {
      throw ConfigError.syntax(at, '%define NAME VALUE, with letters, digits and underscores in the name');
    }
    this.#definitions.set(key, { text: this.substitute(source, at), at });
  }

  /**
   * @throws ConfigError `ERR_ZCONFIG_SYNTAX`, `ERR_ZCONFIG_UNDEFINED`, or `ERR_ZCONFIG_LIMIT` if all values together
   * become too long
   */
  substitute(source: string, at: Position): Text {
    if (!source.includes('$')) return { value: source };
    let value = '';
    let unset: UnsetVariable | undefined;
    let end = 0;
    for (const match of source.matchAll(reference)) {
      const text = this.#lookUp(match.groups ?? {}, at);
      unset ??= text.unset;
      value += source.slice(end, match.index) + (text.value ?? '');
      end = match.index + match[0].length;
      this.#checkLength(value, at);
    }
    value += source.slice(end);
    this.#checkLength(value, at);
    this.#lengthLeft -= value.length;
    return unset === undefined ? { value } : { unset };
  }

  #lookUp({ dollar, plain, braced, variable }: Partial<Record<string, string>>, at: Position): Text {
    if (dollar !== undefined) return { value: dollar };
    if (variable !== undefined) {
      // A name such as `constructor` must not be found on the prototype.
      const value = Object.hasOwn(this.#environment, variable) ? this.#environment[variable] : undefined;
      return value === undefined ? { unset: { name: variable, at } } : { value };
    }
    const named = plain ?? braced;
    if (named === undefined) {
      throw ConfigError.syntax(at, '$NAME, $(ENVIRONMENT_VARIABLE) or $$ for a dollar', 'a lone $');
    }
    const known = this.#definitions.get(named.toLowerCase());
    if (known === undefined) {
      const expected = `a %define of ${named} above this line`;
      throw new ConfigError('ERR_ZCONFIG_UNDEFINED', at, { expected, found: 'none' });
    }
    return known.text;
  }

  #checkLength(value: string, at: Position): void {
    if (value.length <= this.#lengthLeft) return;
    const expected = `at most ${limits.expandedLength} characters in all values with a $`;
    throw new ConfigError('ERR_ZCONFIG_LIMIT', at, { expected });
  }
}
