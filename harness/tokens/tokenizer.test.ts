import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTexts } from './texts.js';
import { openTokenizer, type Tokenizer } from './tokenizer.js';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const WORLD = here('../../fixtures/world/model');
const STORIES_260K = here('../../../shared/models/stories260K');
const TINY_STORIES = here('../../../shared/texts/tinystories.json');

const read = (tokenizer: Tokenizer, ids: Int32Array) => Array.from(ids, (id) => tokenizer.surface(id)).join('');
const allForms = (tokenizer: Tokenizer) =>
  Array.from({ length: tokenizer.vocabularySize }, (_, id) => tokenizer.surface(id));

describe('a byte-level tokenizer', () => {
  const { model } = JSON.parse(readFileSync(join(WORLD, 'tokenizer.json'), 'utf8'));
  const size = Object.keys(model.vocab).length;
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    tokenizer = await openTokenizer(WORLD);
  });

  it('adds no BOS and ends texts with <|endoftext|>', () => {
    expect(tokenizer).toMatchObject({ vocabularySize: size, bos: null, eos: 0 });
    expect(tokenizer.encode('Tom ran.')).toEqual(tokenizer.encode('Tom ran.', { special: false }));
  });

  it('reads a text back from its surface forms', async () => {
    for (const text of (await readTexts(here('../../fixtures/world/texts/evidence.json'))).slice(0, 20)) {
      expect(read(tokenizer, tokenizer.encode(text))).toBe(text);
    }
  });

  it('reads any ASCII text back, special tokens by name', () => {
    expect(read(tokenizer, tokenizer.encode('a<|endoftext|>b'))).toBe('a<|endoftext|>b');
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), (text) => {
        expect(read(tokenizer, tokenizer.encode(text))).toBe(text);
      }),
      { seed: 11, numRuns: 200 },
    );
  });

  it('shows the bytes of a character that has no token', () =>
    expect(read(tokenizer, tokenizer.encode('é'))).toBe('<0xC3><0xA9>'));

  it('gives each id a form of its own', () => expect(new Set(allForms(tokenizer)).size).toBe(size));

  it('knows no token outside its vocabulary', () => expect(() => tokenizer.surface(size)).toThrow(RangeError));
});

describe.skipIf(!existsSync(STORIES_260K))(
  'a sentencepiece tokenizer (skipped where ../shared has no stories260K)',
  () => {
    let tokenizer: Tokenizer;
    beforeAll(async () => {
      tokenizer = await openTokenizer(STORIES_260K);
    });

    it('puts its BOS before a text, unless asked not to', () => {
      expect(tokenizer).toMatchObject({ vocabularySize: 512, bos: 1, eos: 2 });
      const ids = tokenizer.encode('Once upon a time');
      expect(ids[0]).toBe(1);
      expect(tokenizer.encode('Once upon a time', { special: false })).toEqual(ids.slice(1));
    });

    it('reads a text back, with the space that it puts before the first word', async () => {
      const texts = (await readTexts(TINY_STORIES))
        .filter((text) => [...text].every((character) => character < '\x80'))
        .slice(0, 50);
      expect(texts.length).toBe(50);
      for (const text of texts) expect(read(tokenizer, tokenizer.encode(text))).toBe(`<s> ${text}`);
    });

    it('gives each id a form of its own', () => expect(new Set(allForms(tokenizer)).size).toBe(512));
  },
);

describe('openTokenizer refuses', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tokenizer-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const withFiles = (tokenizer: string, config = '{}') => {
    writeFileSync(join(folder, 'tokenizer.json'), tokenizer);
    writeFileSync(join(folder, 'tokenizer_config.json'), config);
    return openTokenizer(folder);
  };

  it('a folder without one, naming the file', () =>
    expect(openTokenizer(join(folder, 'nowhere'))).rejects.toMatchObject({
      code: 'NO_TOKENIZER',
      found: expect.stringContaining('tokenizer.json'),
    }));

  it('a folder without its config', async () => {
    const half = mkdtempSync(join(folder, 'half-'));
    copyFileSync(join(WORLD, 'tokenizer.json'), join(half, 'tokenizer.json'));
    await expect(openTokenizer(half)).rejects.toMatchObject({ code: 'NO_TOKENIZER' });
  });

  it.each([
    ['cut off', '{"model": {"vocab'],
    ['no object', '[]'],
    ['without a model', '{"version": "1.0"}'],
    ['with ids that are no numbers', '{"model": {"vocab": {"a": "one"}}}'],
    ['of an unknown kind', '{"model": {"type": "Oracle", "vocab": {"a": 0}, "merges": []}}'],
  ])('a tokenizer.json %s, in two lines', async (_, text) => {
    const refusal = await withFiles(text).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ name: 'UsageError', code: 'BAD_TOKENIZER' });
    expect(String(refusal).split('\n')).toHaveLength(2);
  });
});
