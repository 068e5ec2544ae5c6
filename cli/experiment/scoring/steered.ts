import { openSteeredModel, seededRandom, type Tokenizer, UsageError } from '../../../harness/index.js';
import {
  latentEffects,
  type ScoredExample,
  STEERING_PLAN,
  type SteeredPair,
  steering,
} from '../../../replacements/index.js';
import type { Watched } from '../progress.js';
import type { ScoredPart } from './examples.js';
import type { ScoringStage } from './stage.js';

/** Prompts that the model writes on from, the same for all latents, and the tokens of each. */
const PROMPTS = 8;
const PROMPT_TOKENS = 16;

const unheardText = (unheard: number, all: number, hookpoint: string): string =>
  `Steering at ${hookpoint}: ${unheard} of ${all} latents change too little of what the model says, however strongly they ` +
  'are steered; they have no intervention score.';

/** The largest activation among a latent's examples, which are drawn from all deciles. */
const largest = (examples: readonly ScoredExample[]): number =>
  examples.reduce((most, { activations }) => activations.reduce((a, b) => Math.max(a, b), most), 0);

/**
 * What the model writes behind beginnings of the scored text, as it is and with each latent steered at its hookpoint.
 * Latents that cannot be heard there are told, and have no pairs.
 * @throws {UsageError} `NO_PROMPTS`; `CUT_CHANGES_MODEL` and `CUT_IS_INERT`, where nothing that is added would be heard
 */
export async function steerLatents(
  { reader, coder, texts, experiment }: ScoringStage,
  examples: ReadonlyMap<number, readonly ScoredExample[]>,
  tokenizer: Tokenizer,
  part: ScoredPart,
  { progress, signal, note }: Watched & { readonly note: (text: string) => void },
): Promise<ReadonlyMap<number, readonly SteeredPair[]>> {
  const { id } = reader.hookpoint;
  const long = texts[part].contexts.filter(({ tokens }) => tokens.length >= PROMPT_TOKENS);
  const chosen = seededRandom(`${experiment.seed}/prompts`).shuffle(long).slice(0, PROMPTS);
  const [context] = chosen;
  if (context === undefined) {
    throw new UsageError(
      'NO_PROMPTS',
      `No context of the ${part} text has ${PROMPT_TOKENS} tokens for the model to write on from.`,
      'Give longer contexts, or leave the score intervention out.',
    );
  }
  const scale = new Map([...examples].map(([latent, some]) => [latent, largest(some)]));
  const effects = await latentEffects(reader, coder, context, scale);
  const model = await openSteeredModel(reader.model, id);
  try {
    const prompts = chosen.map(({ tokens }) => tokens.slice(0, PROMPT_TOKENS));
    const { pairs } = steering(model, tokenizer, prompts, STEERING_PLAN, `${experiment.seed}/${id}`);
    const bar = progress(`Steering at ${id}`, examples.size, 'latents');
    const steered = new Map<number, readonly SteeredPair[]>();
    for (const [latent, effect] of effects) {
      steered.set(latent, await pairs(effect, signal));
      bar.at(steered.size);
    }
    bar.end();
    const unheard = [...steered.values()].filter((some) => some.length === 0).length;
    if (unheard > 0) note(unheardText(unheard, steered.size, id));
    return steered;
  } finally {
    await model.dispose();
  }
}
