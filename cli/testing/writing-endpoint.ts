import { type Behaviour, contentOf, type Received } from '../../replacements/testing.js';

/** What a question wants: an explanation, a yes or no about one, or a digit. */
export type Wanted = 'text' | 'mended text' | 'judgement' | 'rating';

export function wantedBy(received: Received): Wanted {
  const content = contentOf(received);
  if (content.startsWith('You explain')) return content.includes('</explanation>') ? 'mended text' : 'text';
  return content.includes('Yes or No:') ? 'judgement' : 'rating';
}

const prose = (text: string): Behaviour => ({ kind: 'tokens', tokens: [{ token: text }], logprobs: false });

const wordsOf = (explanation: string): string[] => /Fires on: ([^.]*)\./.exec(explanation)?.[1]?.split(', ') ?? [];
const element = (name: string, text: string): string =>
  new RegExp(`<${name}>\\n(.*?)\\n</${name}>`, 's').exec(text)?.[1] ?? '';

/** Words on which the examples say that the latent fires, the most frequent first. */
function firingWords(user: string): string[] {
  const counts = new Map<string, number>();
  for (const [, word] of user.matchAll(/^" ?(\w+)" \d$/gm)) counts.set(word!, (counts.get(word!) ?? 0) + 1);
  return [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).map(([word]) => word);
}

/** Names the likeliest words; where it is shown mistakes, those of the misses as well, and no word of a false alarm. */
function write(user: string): string {
  const before = wordsOf(element('explanation', user));
  if (before.length === 0) return `Fires on: ${firingWords(user).slice(0, 2).join(', ')}.`;
  const [wrong = '', missed = ''] = ['latent="silent" guess="active"', 'latent="active" guess="silent"'].map((kind) =>
    [...user.matchAll(new RegExp(`<example number="\\d+" ${kind}>(.*?)</example>`, 'gs'))].map(([all]) => all).join(),
  );
  const kept = before.filter((word) => !wrong.split(/\W+/).includes(word));
  return `Fires on: ${[...new Set([...kept, ...firingWords(missed)])].join(', ')}.`;
}

/**
 * A model that writes explanations, judges and rates by reading what it is shown, and nothing else: an explanation that
 * did not come whole, or an example in the wrong place, changes its answers.
 */
export function readingModel(_: number, received: Received): Behaviour {
  const user = received.messages.at(-1)!.content;
  const wanted = wantedBy(received);
  const words = wordsOf(element('explanation', user));
  const text = element('text', user);
  switch (wanted) {
    case 'text':
    case 'mended text':
      return prose(write(user));
    case 'judgement': {
      const yes = text.split(/\W+/).some((word) => words.includes(word));
      return { kind: 'digits', probabilities: yes ? { Yes: 0.9, No: 0.1 } : { No: 0.9, Yes: 0.1 } };
    }
    case 'rating': {
      const word = /<< ?(\w+)>>$/.exec(text)?.[1] ?? '';
      return { kind: 'digits', probabilities: words.includes(word) ? { '9': 0.9, '0': 0.1 } : { '0': 0.9, '9': 0.1 } };
    }
  }
}
