import { UsageError } from '../../harness/index.js';
import type { PositionRow } from '../result/positions.js';
import type { ArmMeasurements, Losses, MeasuredContext, Measurements } from '../statistics/measurements.js';
import { pairedStatistics } from '../statistics/paired.js';
import type { Estimate, Summary } from '../summary.js';
import { adjustedP } from './adjust.js';

/** A result among several, with the rows of its arms that are compared. */
export interface ResultToCompare {
  readonly name: string;
  readonly summary: Summary;
  /** Of `original` and of every arm that {@link fullArmsOf} names. */
  readonly positions: readonly PositionRow[];
}

/** An arm of one result against an arm of another, on the positions that count for both. */
export interface ComparisonAcross {
  readonly arm: { readonly run: string; readonly id: string };
  readonly against: { readonly run: string; readonly id: string };
  /** ce(arm) - ce(against), nats per token. */
  readonly deltaCe: Estimate;
  readonly p: number;
  /** Adjusted for all comparisons that were made. */
  readonly pAdjusted: number;
}

export interface AcrossResults {
  /** Contexts that all results share: all of them, unless a result is partial. */
  readonly contexts: number;
  readonly comparisons: readonly ComparisonAcross[];
}

/** The original model's losses of two runs may differ by rounding, in nats per token. */
const SAME_MODEL = 1e-3;

const UNPAIRED = 'or lay them side by side with --unpaired';

/** Arms at fraction 1 that explanations are compared by, with their calibrations. */
export function fullArmsOf({ entries, arms }: Summary): { readonly id: string; readonly calibration: string | null }[] {
  if (entries.length > 0) {
    return entries.flatMap(({ full: [first] }) => (first ? [{ id: first.arm, calibration: first.calibration }] : []));
  }
  // A result from before says nothing of its entries.
  return arms
    .filter(({ kind, fraction }) => kind === 'simulated' && fraction === 1)
    .map(({ id, calibration }) => ({ id, calibration }));
}

/** A context of a run: its place among the rows of each arm. */
interface Placed extends MeasuredContext {
  readonly start: number;
}

interface Opened {
  readonly run: ResultToCompare;
  /** Rows of each arm, one list for each imputation, all in the same order. */
  readonly rows: ReadonlyMap<string, readonly (readonly PositionRow[])[]>;
  /** By id, numbered where a run has one twice. */
  readonly contexts: ReadonlyMap<string, Placed>;
}

function open(run: ResultToCompare): Opened {
  const rows = new Map<string, PositionRow[][]>();
  for (const row of run.positions) {
    const versions = rows.get(row.arm) ?? [];
    rows.set(row.arm, versions);
    const version = row.imputation ?? 0;
    versions[version] ??= [];
    versions[version].push(row);
  }
  const contexts = new Map<string, Placed>();
  let current: { id: string; positions: number[]; tokens: string[]; start: number } | null = null;
  for (const [place, { context, index, token }] of (rows.get('original')?.[0] ?? []).entries()) {
    if (current === null || current.id !== context || index <= current.positions.at(-1)!) {
      current = { id: context, positions: [], tokens: [], start: place };
      let key = context;
      for (let again = 2; contexts.has(key); again++) key = `${context}#${again}`;
      contexts.set(key, current);
    }
    current.positions.push(index);
    current.tokens.push(token);
  }
  return { run, rows, contexts };
}

/** Keys of the contexts that all runs were measured on, at the same positions. */
function sharedContexts([first, ...others]: readonly Opened[]): string[] {
  const shared = [...first!.contexts].filter(([key, { positions }]) =>
    others.every(({ contexts }) => String(contexts.get(key)?.positions) === String(positions)),
  );
  const all = [first!, ...others];
  // A partial run lacks contexts that others have; whole runs of the same text lack none of each other's.
  const isPartial = all.some(({ run }) => run.summary.partial);
  const odd = all.find(({ contexts }) => contexts.size !== shared.length);
  if (shared.length < 2 || (odd !== undefined && !isPartial)) {
    const { run, contexts } = odd ?? first!;
    throw new UsageError(
      'CONTEXTS_DIFFER',
      `The runs were not measured at the same positions of the same text: ${run.name} has ${contexts.size} contexts, of which ${shared.length} are in all of them.`,
      `Compare runs of one evaluation text, protocol and seed, ${UNPAIRED}.`,
    );
  }
  return shared.map(([key]) => key).sort();
}

/** The rows of one arm at the shared contexts, in their order. */
function take(rows: readonly PositionRow[], contexts: readonly Placed[]): PositionRow[] {
  return contexts.flatMap(({ start, positions }) => rows.slice(start, start + positions.length));
}

function losses(rows: readonly PositionRow[]): Losses {
  return {
    ce: Float32Array.from(rows, ({ ce }) => ce),
    kl: Float32Array.from(rows, ({ kl }) => kl),
    top1: Uint8Array.from(rows, ({ top1 }) => (top1 ? 1 : 0)),
  };
}

const armKey = (run: string, id: string): string => JSON.stringify([run, id]);

function checkModels(opened: readonly Opened[], keys: readonly string[]): void {
  const [first, ...others] = opened.map(({ run, rows, contexts }) => ({
    name: run.name,
    rows: take(
      rows.get('original')![0]!,
      keys.map((key) => contexts.get(key)!),
    ),
  }));
  for (const { name, rows } of others) {
    const apart = rows.reduce((sum, { ce }, i) => sum + Math.abs(ce - first!.rows[i]!.ce), 0) / rows.length;
    if (apart <= SAME_MODEL) continue;
    throw new UsageError(
      'MODELS_DIFFER',
      `The unedited model of ${name} is not that of ${first!.name}: their losses differ by ${apart.toPrecision(2)} nats/token on the same text.`,
      `Compare runs of one model, ${UNPAIRED}.`,
    );
  }
}

function measurementsOf(opened: readonly Opened[], keys: readonly string[]): Measurements {
  const contexts = keys.map((key) => ({ ...opened[0]!.contexts.get(key)!, id: key }));
  const arms = opened.flatMap(({ run, rows, contexts: own }) => {
    const places = keys.map((key) => own.get(key)!);
    return fullArmsOf(run.summary).flatMap(({ id }): ArmMeasurements[] => {
      const arm = run.summary.arms.find((each) => each.id === id);
      const versions = rows.get(id)?.map((version) => take(version, places));
      if (arm === undefined || versions === undefined) return [];
      const { kind, style, simulator, calibration, selection, fraction } = arm;
      return [
        {
          arm: { id: armKey(run.name, id), kind, style, simulator, calibration, selection, fraction },
          versions: versions.map(losses),
          missing: null,
          dropped: Uint8Array.from(versions[0]!, ({ dropped }) => (dropped ? 1 : 0)),
          asked: null,
        },
      ];
    });
  });
  return { contexts, arms };
}

/**
 * Compares the full rewrites of every two results under equal calibrations, paired by position. Draws contexts as the
 * first result did.
 * @throws {UsageError} CONTEXTS_DIFFER where the results do not share their contexts; partial ones are compared on those
 * that they have. MODELS_DIFFER where the unedited models lose different amounts on them
 */
export function compareResults(runs: readonly ResultToCompare[]): AcrossResults {
  const opened = runs.map(open);
  const keys = sharedContexts(opened);
  checkModels(opened, keys);
  const measurements = measurementsOf(opened, keys);
  const { bootstrap } = runs[0]!.summary;
  const statistics = pairedStatistics(measurements, bootstrap);
  const byKey = new Map(measurements.arms.map((each) => [each.arm.id, each]));
  const found = runs.flatMap((a, i) =>
    runs.slice(i + 1).flatMap((b) =>
      fullArmsOf(a.summary).flatMap((arm) =>
        fullArmsOf(b.summary).flatMap((against) => {
          const [of, from] = [byKey.get(armKey(a.name, arm.id)), byKey.get(armKey(b.name, against.id))];
          if (of === undefined || from === undefined || arm.calibration !== against.calibration) return [];
          const { difference, p, draws } = statistics.difference(of, from, 'ce');
          if (difference.mean === null || draws === null) return [];
          const named = { arm: { run: a.name, id: arm.id }, against: { run: b.name, id: against.id } };
          return [{ ...named, deltaCe: difference, p, draws }];
        }),
      ),
    ),
  );
  const adjusted = adjustedP(
    found.map(({ deltaCe: { mean, se }, draws }) => ({ mean, se, draws })),
    statistics.resamples,
  );
  return {
    contexts: keys.length,
    comparisons: found.map(({ draws: _, ...each }, i) => ({ ...each, pAdjusted: Math.max(each.p, adjusted[i]!) })),
  };
}
