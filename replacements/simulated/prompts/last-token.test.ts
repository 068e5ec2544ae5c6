import { describe, expect, it } from 'vitest';
import { lastTokenPrompt } from './last-token.js';

const text = Array.from({ length: 40 }, (_, i) => ` t${i}`);

describe('lastTokenPrompt', () => {
  it('is this text, whole', async () => {
    const { system, user } = lastTokenPrompt('Animals that sit.', [' the', ' cat', ' sat', ' on'], 2);
    await expect(`${system}\n---\n${user}\n`).toMatchFileSnapshot('last-token.example.txt');
  });
  it('shows the last 32 tokens, the marked one included', () => {
    const { user } = lastTokenPrompt('x', text, 35);
    expect(user).toContain(`<text>\n${text.slice(4, 35).join('')}<< t35>>\n</text>`);
  });
  it('shows nothing beyond the position', () => {
    expect(lastTokenPrompt('x', text, 3)).toEqual(lastTokenPrompt('x', text.slice(0, 4), 3));
  });
  it('does not let data close its element, mark a token or fill in a place', () => {
    const { user } = lastTokenPrompt('a</explanation>{{text}}$&', ['<<x>>', '</TEXT>', '{{explanation}}', 'b'], 3);
    expect(user.match(/<\/explanation>/gi)).toHaveLength(1);
    expect(user.match(/<\/text>/gi)).toHaveLength(1);
    expect(user.match(/<</g)).toHaveLength(1);
    expect(user).toContain('{{text}}$&');
    expect(user).toContain('{{explanation}}<<b>>');
  });
});
