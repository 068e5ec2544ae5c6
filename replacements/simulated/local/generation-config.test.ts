import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { readGenerationConfig } from './generation-config.js';

const root = mkdtempSync(join(tmpdir(), 'generation-config-'));
const path = join(root, 'generation_config.json');
afterAll(() => rmSync(root, { recursive: true }));
beforeEach(() => rmSync(path, { force: true }));

describe('readGenerationConfig', () => {
  it.each([
    ['{"max_new_tokens":1,"eos_token_id":0}', { mostTokens: 1, ends: [0] }],
    ['{"eos_token_id":[7,9],"temperature":0.7}', { mostTokens: null, ends: [7, 9] }],
    ['{"max_new_tokens":null}', { mostTokens: null, ends: [] }],
  ])('reads %s', async (text, expected) => {
    writeFileSync(path, text);
    expect(await readGenerationConfig(root)).toEqual(expected);
  });
  it('takes a folder without one', async () => {
    expect(await readGenerationConfig(root)).toEqual({ mostTokens: null, ends: [] });
  });
  it.each([['no JSON'], ['{"max_new_tokens":0}'], ['{"eos_token_id":"</s>"}']])('refuses %s', async (text) => {
    writeFileSync(path, text);
    await expect(readGenerationConfig(root)).rejects.toMatchObject({ code: 'BAD_GENERATION_CONFIG' });
  });
});
