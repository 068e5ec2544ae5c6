import { describe, expect, it } from 'vitest';
import { subject } from '../testing/examples.js';
import { answered, scriptedJudge } from '../testing/judges.js';
import { intervention } from './intervention.js';

const { signal } = new AbortController();
const steered = [
  { clean: 'a house', steered: 'a cat', kl: 0.5 },
  { clean: 'a tree', steered: 'a dog', kl: 1.5 },
];
const of = subject({ examples: [], steered });
const nats = (value: number) => ({ nats: value, tokens: 3 });

describe('intervention, worked by hand', () => {
  it('is the mean fall of the explanation’s surprisal, in nats', async () => {
    const { judge, questions } = scriptedJudge('surprisal', answered(nats(10), nats(7), nats(9), nats(10)));
    const { value, details } = await intervention.measure(of, judge, signal, { underWay: 1 });
    expect(value).toEqual({ status: 'measured', value: (3 - 1) / 2 });
    expect(details).toEqual({
      'share less surprising': { status: 'measured', value: 0.5 },
      'KL of steering': { status: 'measured', value: 1 },
    });
    expect(questions.map(({ given }) => given)).toEqual(
      ['a house', 'a cat', 'a tree', 'a dog'].map((text) => ({ kind: 'continuation', text })),
    );
    expect(new Set(questions.map(({ text }) => text)).size).toBe(1);
  });
  it('asks nothing of a prompt behind which steering changes no word, and counts it', async () => {
    const unheard = { clean: 'a bird', steered: 'a bird', kl: 0.2 };
    const { judge, questions } = scriptedJudge('surprisal', answered(nats(10), nats(7), nats(9), nats(10)));
    const some = subject({ examples: [], steered: [unheard, ...steered] });
    expect(await intervention.measure(some, judge, signal, { underWay: 1 })).toMatchObject({
      value: { value: (3 - 1) / 2 },
      details: { 'KL of steering': { value: 1 } },
      unusable: 1,
    });
    expect(questions).toHaveLength(4);
  });
  it.each([
    ['behind no prompt is heard', [{ clean: 'a bird', steered: 'a bird', kl: 0.2 }], 1],
    ['no strength made heard', [], 0],
  ])('is no 0 for a latent that %s', async (_, none, unusable) => {
    const { judge } = scriptedJudge('surprisal', []);
    const found = await intervention.measure(subject({ examples: [], steered: none }), judge, signal);
    expect(found).toMatchObject({ value: { status: 'undefined', why: 'no effect' }, asked: 0, unusable });
  });
  it('counts a prompt only where both answers came', async () => {
    const { judge } = scriptedJudge('surprisal', [...answered(nats(10), nats(7), nats(9)), { missing: 'failed' }]);
    expect(await intervention.measure(of, judge, signal, { underWay: 1 })).toMatchObject({
      value: { value: 3 },
      details: { 'KL of steering': { value: 0.5 } },
      missing: { failed: 1 },
    });
  });
});
