import { setMaxListeners } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Model, openModel, ortRuntime, type Tokenizer } from '../../../harness/index.js';
import { wholeLogits } from '../../../harness/testing.js';
import type { Expects, Query, SlotAnswer, SlotDistribution } from '../asking/query.js';
import { type LocalAsker, type LocalAskerOptions, localAsker } from './local-asker.js';

const WORLD = 'fixtures/world/model';
const runtime = ortRuntime({ threads: 1 });
const { signal } = new AbortController();
const root = mkdtempSync(join(tmpdir(), 'local-asker-'));
const open: LocalAsker[] = [];
afterAll(async () => {
  await Promise.all(open.map((asker) => asker.dispose()));
  rmSync(root, { recursive: true });
});
async function asking(options: LocalAskerOptions): Promise<LocalAsker> {
  const asker = await localAsker(options);
  open.push(asker);
  return asker;
}

const query = (user: string, expects: Expects = { kind: 'digit' }): Query => ({
  system: 'You rate how strongly a word fits. Answer with one digit.',
  user,
  expects,
});

/** Probabilities of the token after a row, each row computed once: a plain computation loads the whole model. */
const known = new Map<string, Promise<number[]>>();
function plainly(model: Model, row: readonly number[]): Promise<number[]> {
  const probabilities = known.get(row.join()) ?? softmaxOfWhole(model, row);
  known.set(row.join(), probabilities);
  return probabilities;
}

/** The whole model's logits, their softmax in float64. */
async function softmaxOfWhole(model: Model, row: readonly number[]): Promise<number[]> {
  const logits = [...(await wholeLogits(model, Int32Array.from(row))).slice(-model.vocabulary)];
  const highest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - highest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

const slotsOf = (answer: SlotAnswer | null): readonly (SlotDistribution | null)[] => {
  if (answer?.kind !== 'rated') throw new Error('no ratings');
  return answer.slots;
};
const digitsOf = (slot: SlotDistribution | null | undefined): number[] =>
  slot!.values.map(({ probability }) => probability);
/** Digits renormalised over the mass of all digits: the simulator is hopeless, and gives digits little of it. */
const renormalised = (masses: readonly number[]): number[] => {
  const sum = masses.reduce((total, mass) => total + mass, 0);
  return masses.map((mass) => mass / sum);
};
function expectClose(found: readonly number[], expected: readonly number[]): void {
  expect(found).toHaveLength(expected.length);
  const compared = [renormalised(found), renormalised(expected)] as const;
  for (const [at, value] of found.entries()) {
    expect(Math.abs(value - expected[at]!)).toBeLessThan(1e-5);
    expect(Math.abs(compared[0][at]! - compared[1][at]!)).toBeLessThan(1e-5);
  }
}
const expectedDigit = (masses: readonly number[]): number =>
  renormalised(masses).reduce((sum, probability, digit) => sum + probability * digit, 0);

describe('the embedded model as a simulator', () => {
  let model: Model;
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    model = openModel(WORLD, { runtime });
    tokenizer = await model.tokenizer();
  });
  const plainPrompt = ({ system, user }: Query) => [...tokenizer.encode(`${system}\n\n${user}\n`)];
  const digitIds = () => Array.from({ length: 10 }, (_, digit) => tokenizer.encode(String(digit))[0]!);
  const texts = ['the dog', 'the cat', 'a red ball', 'the cat sat on the mat', 'once', 'once upon', 'x', 'the dog'];
  const users = texts.map((text) => `The word and the text:\n${text}\nOne digit:`);

  it.each<[string, Omit<LocalAskerOptions, 'model'>]>([
    ['with shared beginnings read once, side by side', {}],
    ['with shared beginnings read once, one by one', { rows: 1 }],
    ['from the first token, side by side', { reuse: false }],
    ['from the first token, one by one', { reuse: false, rows: 1 }],
  ])('gives the digits the probabilities of a plain computation, %s', async (_, options) => {
    const asker = await asking({ model, ...options });
    const answers = await Promise.all(users.map((user) => asker.ask(query(user), signal)));
    for (const [at, user] of users.entries()) {
      const probabilities = await plainly(model, plainPrompt(query(user)));
      const expected = digitIds().map((id) => probabilities[id]!);
      const found = digitsOf(slotsOf(answers[at]!)[0]);
      expectClose(found, expected);
      expect(Math.abs(expectedDigit(found) - expectedDigit(expected))).toBeLessThan(1e-5);
    }
    expect(asker.usage.queries).toBe(users.length);
    expect(asker.usage.tokensIn).toBe(users.reduce((sum, user) => sum + plainPrompt(query(user)).length, 0));
    expect(asker.usage.tokensReused > 0).toBe(options.reuse !== false);
  });

  it('gives every digit of a list its probabilities behind the likeliest ones before it', async () => {
    const asker = await asking({ model });
    const count = 3;
    const list = (user: string) => query(user, { kind: 'digits', count });
    const answers = await Promise.all(users.map((user) => asker.ask(list(user), signal)));
    for (const [at, user] of users.slice(0, 3).entries()) {
      const slots = slotsOf(answers[at]!);
      expect(slots).toHaveLength(count);
      let said = '{"ratings": [';
      for (const slot of slots) {
        const row = [...plainPrompt(list(user)), ...tokenizer.encode(said, { special: false })];
        const probabilities = await plainly(model, row);
        expectClose(
          digitsOf(slot),
          digitIds().map((id) => probabilities[id]!),
        );
        said += `${digitsOf(slot).indexOf(Math.max(...digitsOf(slot)))}, `;
      }
    }
    // The list is gone on with from what was read of it: prompt, opening, and a digit, a comma and a blank twice.
    expect(asker.usage.tokensOut).toBeLessThan(users.length * 30);
    expect(asker.usage.tokensRead).toBeLessThan(asker.usage.tokensIn + asker.usage.tokensOut);
  });

  it('spells Yes and No by the tokens that there are', async () => {
    const asker = await asking({ model });
    const asked = query('Yes or No:', { kind: 'yes-no' });
    const [slot] = slotsOf(await asker.ask(asked, signal));
    const prompt = plainPrompt(asked);
    const probabilityOf = async (text: string) => {
      let product = 1;
      const tokens = [...tokenizer.encode(text, { special: false })];
      for (const [at, token] of tokens.entries()) {
        product *= (await plainly(model, [...prompt, ...tokens.slice(0, at)]))[token]!;
      }
      return product;
    };
    const [no, yes] = [
      (await probabilityOf('No')) + (await probabilityOf('no')),
      (await probabilityOf('Yes')) + (await probabilityOf('yes')),
    ];
    const found = new Map(slot!.values.map(({ value, probability }) => [value, probability]));
    expect(Math.abs((found.get(0) ?? 0) - no)).toBeLessThan(1e-5);
    expect(Math.abs((found.get(1) ?? 0) - yes)).toBeLessThan(1e-5);
  });

  it('gives 1 no probability of what goes on to 10', async () => {
    const asker = await asking({ model });
    const asked = query('10 10 10 10 10 10 10 10 10 10 10 10\nOne digit: 10 10 10 1');
    const [slot] = slotsOf(await asker.ask(asked, signal));
    const prompt = plainPrompt(asked);
    const [zero, one] = digitIds();
    const first = (await plainly(model, prompt))[one!]!;
    const goesOn = first < 0.01 ? 0 : (await plainly(model, [...prompt, one!]))[zero!]!;
    const found = slot!.values.find(({ value }) => value === 1)!.probability;
    expect(Math.abs(found - first * (1 - goesOn))).toBeLessThan(1e-5);
  });

  it('gives 1 all of its probability where the model answers with one token', async () => {
    const folder = join(root, 'one-token');
    cpSync(WORLD, folder, { recursive: true });
    writeFileSync(join(folder, 'generation_config.json'), '{"max_new_tokens":1}');
    const asker = await asking({ model: openModel(folder, { runtime }) });
    const asked = query('10 10 10 10 10 10 10 10 10 10 10 10\nOne digit: 10 10 10 1');
    const [slot] = slotsOf(await asker.ask(asked, signal));
    const expected = (await plainly(model, plainPrompt(asked)))[digitIds()[1]!]!;
    expect(Math.abs(slot!.values.find(({ value }) => value === 1)!.probability - expected)).toBeLessThan(1e-5);
  });

  it('raises the alarms that endpoints raise, and tells its pace', async () => {
    const raised: string[] = [];
    const asker = await asking({ model, onAlarm: ({ kind }) => raised.push(kind) });
    expect(asker.progress(10)).toEqual({ perSecond: null, secondsLeft: null });
    const many = new AbortController().signal;
    setMaxListeners(0, many);
    await Promise.all(Array.from({ length: 200 }, () => asker.ask(query('the cat'), many)));
    // The embedded model gives digits next to no probability.
    expect(raised).toContain('digit mass falling');
    expect(asker.alarms.map(({ kind }) => kind)).toEqual(raised);
    const { perSecond, secondsLeft } = asker.progress(10);
    expect(perSecond! * secondsLeft!).toBeCloseTo(10, 6);
  });

  it('says which savings it uses and how it is spoken to', async () => {
    expect((await asking({ model })).notes).toEqual([
      'no chat template: prompts are plain text',
      'shared beginnings of prompts are read once',
      'prompts are read side by side',
      'what follows a shared beginning is read side by side',
    ]);
    expect((await asking({ model, reuse: false })).notes[1]).toBe(
      'every prompt is read from its first token: it was not wanted',
    );
    expect((await asking({ model })).id).toBe('local:story-world');
  });

  it('refuses a prompt beyond the context, with its answer, and goes on with those beside it', async () => {
    const asker = await asking({ model });
    const long = query('1 '.repeat(300));
    const fits = asker.ask(query('one digit:'), signal);
    await expect(asker.ask(long, signal)).rejects.toMatchObject({ code: 'PROMPT_TOO_LONG' });
    await expect(asker.ask(query('', { kind: 'digits', count: 200 }), signal)).rejects.toThrow(
      /has \d+ tokens and its answer \d+, and story-world was made for at most 512/,
    );
    expect(slotsOf(await fits)).toHaveLength(1);
  });

  it('throws the reason of an abort, before and while it waits', async () => {
    const asker = await asking({ model });
    const reason = new Error('enough');
    await expect(asker.ask(query('x'), AbortSignal.abort(reason))).rejects.toBe(reason);
    const controller = new AbortController();
    const waiting = asker.ask(query('x'), controller.signal);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(slotsOf(await asker.ask(query('x'), signal))[0]!.values).toHaveLength(10);
  });

  it('is asked by the chat template of its folder where that has one', async () => {
    const folder = join(root, 'chat');
    cpSync(WORLD, folder, { recursive: true });
    const config = JSON.parse(readFileSync(join(folder, 'tokenizer_config.json'), 'utf8'));
    const chat_template = '{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}answer:';
    writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify({ ...config, chat_template }));
    const asker = await asking({ model: openModel(folder, { runtime }) });
    const asked = query('the cat');
    const [slot] = slotsOf(await asker.ask(asked, signal));
    const row = [...tokenizer.encode(`system: ${asked.system}\nuser: the cat\nanswer:`)];
    const probabilities = await plainly(model, row);
    expectClose(
      digitsOf(slot),
      digitIds().map((id) => probabilities[id]!),
    );
  });
});
