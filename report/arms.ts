import type { Arm, Contrast, Summary } from '../eval/index.js';

/** Arms that belong together in a table, with what they are in one line. */
export interface ArmGroup {
  readonly title: string;
  readonly about: string;
  readonly arms: readonly Arm[];
}

const ENDS = ['original', 'coder', 'zero-output'];
const isSimulated = ({ kind }: Arm): boolean => kind === 'simulated';
const isOracle = ({ kind }: Arm): boolean => kind.startsWith('oracle-');
const isControl = ({ kind }: Arm): boolean => kind.startsWith('control-');

/** Worst last; what could not be measured after that. */
const byLoss = (a: Arm, b: Arm): number => (a.deltaCe.mean ?? Number.MAX_VALUE) - (b.deltaCe.mean ?? Number.MAX_VALUE);

/** Best first; what could not be measured last. */
const byShare = (a: Arm, b: Arm): number =>
  (b.recovered.mean ?? -Number.MAX_VALUE) - (a.recovered.mean ?? -Number.MAX_VALUE);

/** Series together, the one that ends lowest first; within one, the fullest rewrite first. */
function bySeries(arms: readonly Arm[]): Arm[] {
  const ends = new Map<string, Arm>();
  for (const arm of arms) {
    const end = ends.get(seriesKey(arm));
    if (end === undefined || (arm.fraction ?? 0) > (end.fraction ?? 0)) ends.set(seriesKey(arm), arm);
  }
  return [...arms].sort((a, b) => {
    const [x, y] = [seriesKey(a), seriesKey(b)];
    if (x !== y) return byLoss(ends.get(x)!, ends.get(y)!) || (x < y ? -1 : 1);
    return (b.fraction ?? 0) - (a.fraction ?? 0) || byLoss(a, b);
  });
}

/** Every arm once, in the order in which a reader wants them. Empty groups are left out. */
export function groupArms({ arms }: Summary): ArmGroup[] {
  const ends = ENDS.flatMap((kind) => arms.filter((arm) => arm.kind === kind));
  const simulated = arms.filter(isSimulated);
  const oracles = arms.filter(isOracle);
  const controls = arms.filter(isControl);
  const taken = new Set([...ends, ...simulated, ...oracles, ...controls]);
  const groups: ArmGroup[] = [
    { title: 'The ends of the scale', about: 'nothing changed, the coder as it is, nothing at all', arms: ends },
    { title: 'Simulated', about: 'the encoder swapped for explanations', arms: bySeries(simulated) },
    { title: 'Oracles', about: 'these look at the true activations', arms: bySeries(oracles) },
    { title: 'Controls', about: 'what can be had without a right explanation', arms: [...controls].sort(byLoss) },
    {
      title: 'Other baselines',
      about: 'other ways of taking the component away',
      arms: arms.filter((arm) => !taken.has(arm)).sort(byLoss),
    },
  ];
  return groups.filter((group) => group.arms.length > 0);
}

/** The part of an id that arms of one rewriting share, whatever the fraction and order: what stands before the `@`. */
export function rewritingOf({ id }: Arm): string {
  const end = id.lastIndexOf('@');
  return end < 0 ? id : id.slice(0, end);
}

/** What makes arms one line in a plot: they differ only in the fraction. */
export function seriesKey(arm: Arm): string {
  const { kind, style, simulator, calibration, selection } = arm;
  return JSON.stringify([kind, rewritingOf(arm), style, simulator, calibration, selection]);
}

/**
 * Arms that rewrite every latent. At fraction 1 the order of rewriting no longer matters: one of each is
 * enough. Best first, those that read explanations before those that need none.
 */
export function fullRewrites({ arms }: Summary): Arm[] {
  const first = new Map<string, Arm>();
  for (const arm of arms.filter((each) => isSimulated(each) && each.fraction === 1)) {
    const key = seriesKey({ ...arm, selection: null });
    if (!first.has(key)) first.set(key, arm);
  }
  const explained = ({ style }: Arm): number => (style === null ? 1 : 0);
  return [...first.values()].sort((a, b) => explained(a) - explained(b) || byShare(a, b));
}

/** Arms that stand beside the full rewrites: controls that rewrite all. */
export function fullControls({ arms }: Summary): Arm[] {
  return arms.filter((arm) => isControl(arm) && (arm.fraction ?? 1) === 1).sort(byShare);
}

export function armOfKind({ arms }: Summary, kind: string): Arm | null {
  return arms.find((arm) => arm.kind === kind) ?? null;
}

/** What the experiment calls a set of explanations, e.g. `pattern-64`; its style where it has no name of its own. */
export function explanationsName(arm: Arm): string | null {
  const name = rewritingOf(arm).split(':');
  return arm.style !== null && name.length > 1 ? name[0]! : arm.style;
}

/** Short name of a full rewrite or a control: what it is made of, without the fraction. */
export function armName(arm: Arm): string {
  const parts = [explanationsName(arm), arm.simulator, arm.calibration].filter((part) => part !== null);
  return arm.kind === 'simulated' && parts.length > 0 ? parts.join(' · ') : arm.id;
}

export function contrastOf({ contrasts }: Summary, arm: Arm, against: Arm | null): Contrast | null {
  return contrasts.find((each) => each.arm === arm.id && each.against === against?.id) ?? null;
}

/** How an arm compares with zero-output, by the interval of their difference and the equivalence test. */
export type Verdict = 'better' | 'worse' | 'equivalent' | 'undecided';

/** Being shown equal within the margin comes first: a difference too small to matter can still be significant. */
export function verdict({ deltaCe, equivalence }: Contrast): Verdict {
  if (equivalence?.holds === true) return 'equivalent';
  if (deltaCe.ci[1] < 0) return 'better';
  return deltaCe.ci[0] > 0 ? 'worse' : 'undecided';
}
