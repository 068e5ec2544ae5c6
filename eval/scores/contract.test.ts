import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../harness/index.js';
import { embeddingJudge, executableJudge, type Judge, together, tokenStatistics } from '../../replacements/index.js';
import { type Score, type ScoreId, type Subject, scores } from './index.js';
import { animalExamples, empty, senseless, shuffled, subject } from './testing/examples.js';
import { forgetful, wordReader } from './testing/judges.js';

const { signal } = new AbortController();
const examples = animalExamples(1);
const apart = animalExamples(1, { apart: true });
const embedder = tokenStatistics([...examples, ...apart].map(({ text }) => text.join('')));
const executable = executableJudge();
const reader = together([wordReader, embeddingJudge(embedder)]);

const steered = ['dog', 'cow', 'elk', 'pig'].map((animal, i) => ({
  clean: 'the sky and the sea',
  steered: `the ${animal} and the cat`,
  kl: 0.5 + i / 10,
}));

/** What a score gives for explanations whose worth is known; without explanations, for latents whose sense is. */
interface Case {
  readonly judge: Judge;
  readonly perfect: Subject;
  readonly best: number;
  /** An explanation that says nothing: exactly chance, or no number and why. */
  readonly empty: { readonly subject: Subject; readonly gives: number | string };
  readonly shuffled: (seed: number) => Subject;
}

/** Explained by its own explanation, by nothing, and by that of another latent. */
const explained = (judge: Judge, gives: number | string, more: Partial<Subject> = {}): Case => ({
  judge,
  perfect: subject({ examples, ...more }),
  best: 1,
  empty: { subject: subject({ examples, ...more, explanation: empty }), gives },
  shuffled: (seed) => subject({ examples: animalExamples(seed), ...more, explanation: shuffled(seed), seed }),
});

/** A latent with a sense, and one that fires anywhere. `gives`: of a judge who cannot tell. */
const unexplained = (
  judge: Judge,
  sensible: Subject['examples'],
  chance: number,
  blind: Subject['examples'],
): Case => ({
  judge,
  perfect: subject({ explanation: null, examples: sensible }),
  best: 1,
  empty: { subject: subject({ explanation: null, examples: blind }), gives: chance },
  shuffled: (seed) =>
    subject({ explanation: null, examples: senseless(animalExamples(seed), seededRandom(seed)), seed }),
});

/** Nothing to tell apart: every text and every highlight is the same. */
const alike = examples.map((example) => ({
  ...example,
  text: example.text.map(() => ' word'),
  elsewhere: [0],
}));

const cases: Record<ScoreId, Case> = {
  detection: explained(executable, 0.5),
  fuzzing: explained(executable, 0.5),
  simulation: explained(executable, 'constant prediction'),
  surprisal: explained(reader, 0.5),
  embedding: explained(reader, 0.5),
  intervention: {
    ...explained(reader, 0, { steered }),
    // "dog" and "cat" are 2 of its words: 2 nats each are saved; so for the other animals.
    best: 4,
    shuffled: (seed) => subject({ steered, explanation: shuffled(seed) }),
  },
  intruder: unexplained(reader, examples, 0.2, alike),
  'decile intruder': unexplained(reader, examples, 0.2, alike),
  'example embedding': unexplained(reader, apart, 0.5, alike),
};

const ids = Object.keys(scores) as readonly ScoreId[];
const worth = async (score: Score, of: Subject, judge: Judge): Promise<number | string> => {
  const { value } = await score.measure(of, judge, signal);
  return value.status === 'measured' ? value.value : value.why;
};

describe.each(ids)('%s', (id) => {
  const score: Score = scores[id];
  const { judge, perfect: best, best: top, empty: nothing, shuffled: wrong } = cases[id];

  it('is at its top for a perfect explanation, or a latent that has one sense', async () => {
    expect(await worth(score, best, judge)).toBeCloseTo(top, 6);
    if (id !== 'intervention') expect(top).toBe(score.range[1]);
  });
  it('is at chance where nothing is said or seen', async () => {
    const found = await worth(score, nothing.subject, judge);
    if (typeof nothing.gives === 'string') expect(found).toBe(nothing.gives);
    else {
      expect(found).toBeCloseTo(nothing.gives, 9);
      expect(nothing.gives).toBeCloseTo(score.chance, 9);
    }
  });
  it('is about chance for explanations of other latents, or a latent without sense', async () => {
    const found: number[] = [];
    for (let seed = 1; seed <= 24; seed++) {
      const value = await worth(score, wrong(seed), judge);
      if (typeof value === 'number') found.push(value);
    }
    expect(found.length).toBeGreaterThan(20);
    expect(Math.abs(found.reduce((a, b) => a + b) / found.length - score.chance)).toBeLessThan(0.06);
  });
  it('is the same whatever the order of the examples, and however many are asked about at once', async () => {
    const order = seededRandom(5).shuffle(best.examples);
    const once = await score.measure(best, judge, signal);
    const again = await score.measure({ ...best, examples: order }, judge, signal, { underWay: 1 });
    expect(again.value).toEqual(once.value);
    expect(again.asked).toBe(once.asked);
  });
  it('is the same for the same seed', async () => {
    const of = { ...wrong(2), seed: 8 };
    expect(await score.measure(of, judge, signal)).toEqual(await score.measure(of, judge, signal));
  });
  it('knows its price before it is paid', async () => {
    const { asked } = await score.measure(best, judge, signal);
    expect(asked).toBe(score.questions(best));
    expect(asked).toBeGreaterThan(0);
  });
  it('counts missing answers, and lets none of them speak', async () => {
    const { value, missing, asked } = await score.measure(best, forgetful(judge, score.asks, 5), signal, {
      underWay: 1,
    });
    expect(missing).toEqual({ failed: Math.floor(asked / 5) });
    expect(value.status === 'measured' && value.value).toBeCloseTo(top, 6);
  });
  it('is no number without answers', async () => {
    const { value, missing, asked } = await score.measure(best, forgetful(judge, score.asks, 1), signal);
    expect(value).toEqual({ status: 'undefined', why: 'no answers' });
    expect(missing).toEqual({ failed: asked });
  });
  it('is no number without what it needs, and asks nothing then', async () => {
    const { value, asked } = await score.measure({ ...best, examples: [], steered: [] }, judge, signal);
    expect(value).toEqual({ status: 'undefined', why: score.needs.steered > 0 ? 'no effect' : 'too few examples' });
    expect(asked).toBe(0);
    if (!score.needs.explanation) return;
    expect(await worth(score, { ...best, explanation: null }, judge)).toBe('no explanation');
  });
  it('says who judged, and by which definition', async () =>
    expect(await score.measure(best, judge, signal)).toMatchObject({
      score: id,
      judge: judge.id,
      version: score.version,
    }));
  it('refuses a judge that cannot answer', async () =>
    expect(score.measure(best, { id: 'mute' }, signal)).rejects.toThrow(
      new RegExp(`^The judge mute cannot answer what the score ${id} asks \\(${score.asks}\\)\\.\\n`),
    ));
  it('stops when told', async () =>
    expect(score.measure(best, judge, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough'));
  it('refuses examples that are none', async () => {
    const torn = [{ ...examples[0]!, activations: new Float32Array(3) }];
    await expect(score.measure({ ...best, examples: torn }, judge, signal)).rejects.toThrow(
      'an example of 12 tokens has 3 activations',
    );
  });
});
