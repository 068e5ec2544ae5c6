import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UsageError } from '../harness/index.js';

type Options = NonNullable<ParseArgsConfig['options']>;
type Parsed<T extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: T; allowPositionals: true; strict: true }>
>;

const badArguments = (found: string, usage: string, cause?: unknown) =>
  new UsageError('BAD_ARGUMENTS', found, `Usage: ${usage}`, { cause });

/**
 * Strict flags, and the named positional arguments. A last name that ends in `…` stands for one or more.
 * @throws {UsageError} for an unknown flag, a flag without its value, or too few or too many arguments
 */
export function parseArguments<const T extends Options>(
  args: readonly string[],
  options: T,
  positionals: readonly string[],
  usage: string,
): Pick<Parsed<T>, 'values' | 'positionals'> {
  let parsed: Parsed<T>;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message.split(/[.\n]/)[0]! : String(cause);
    throw badArguments(`${message}.`, usage, cause);
  }
  const { length } = parsed.positionals;
  if (length < positionals.length) throw badArguments(`No ${positionals[length]!.replace('…', '')} given.`, usage);
  if (length > positionals.length && !positionals.at(-1)?.endsWith('…')) {
    throw badArguments(`Unexpected argument ${parsed.positionals[positionals.length]}.`, usage);
  }
  return { values: parsed.values, positionals: parsed.positionals };
}

/** A flag that must be given. */
export function requireFlag(value: string | undefined, name: string, usage: string): string {
  if (value === undefined) throw badArguments(`No --${name} given.`, usage);
  return value;
}

/** A flag that is a whole number of at least `least`, and at most `most`; `fallback` where it was left out. */
export function wholeFlag<T extends number | undefined>(
  value: string | undefined,
  name: string,
  {
    least,
    most = Number.POSITIVE_INFINITY,
    fallback,
    usage,
  }: { readonly least: number; readonly most?: number; readonly fallback: T; readonly usage: string },
): number | T {
  if (value === undefined) return fallback;
  if (!/^\d+$/.test(value) || Number(value) < least || Number(value) > most) {
    const range = most === Number.POSITIVE_INFINITY ? `of at least ${least}` : `from ${least} to ${most}`;
    throw badArguments(`--${name} is ${value}, not a whole number ${range}.`, usage);
  }
  return Number(value);
}
