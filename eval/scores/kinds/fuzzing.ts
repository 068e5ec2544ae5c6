import { activates, highlights } from '../../../replacements/index.js';
import { score } from '../define.js';
import { classified } from './classified.js';
import { pickSome, randomFor, randomOf } from './seeded.js';

/**
 * Are the highlighted tokens the right ones? Each activating example is shown twice, in questions of their own: with its
 * strong tokens highlighted, and with as many of its silent tokens. Balanced accuracy over right and wrong ones. An
 * example with fewer silent than strong tokens cannot be fuzzed and is left out.
 * @see Paulo, Mallen, Juang & Belrose 2024, https://arxiv.org/abs/2410.13928
 */
export const fuzzing = score<'highlights', { readonly isRight: boolean }>({
  id: 'fuzzing',
  version: 1,
  asks: 'highlights',
  needs: { explanation: true, activating: 1, silent: 0, steered: 0 },
  measures: 'balanced accuracy',
  range: [0, 1],
  chance: 0.5,
  put(subject) {
    const random = randomOf(subject, 'fuzzing');
    const activating = subject.examples.filter(activates);
    const usable = activating.flatMap((example) => {
      const right = highlights(example);
      const silent = Array.from(example.text.keys()).filter((token) => example.activations[token] === 0);
      if (silent.length < right.length) return [];
      return [{ text: example.text, right, wrong: pickSome(randomFor(random, example), silent, right.length) }];
    });
    return {
      items: usable.flatMap(({ text, right, wrong }) =>
        [right, wrong].map((highlighted) => ({
          question: { explanation: subject.explanation!, text, highlighted },
          truth: { isRight: highlighted === right },
        })),
      ),
      unusable: activating.length - usable.length,
    };
  },
  read: (replies) => classified(replies.map(({ truth, answer }) => ({ isSo: truth.isRight, probability: answer }))),
});
