import { describe, expect, it } from 'vitest';
import { escapeHtml, html, trusted, visible } from './html.js';

describe('html', () => {
  it('escapes what is put into it, in text and in attributes', () => {
    const hostile = `</script><script>alert("x" & 'y')</script>`;
    expect(html`<p title="${hostile}">${hostile}</p>`.markup).toBe(
      `<p title="${escapeHtml(hostile)}">${escapeHtml(hostile)}</p>`,
    );
    expect(escapeHtml(hostile)).toBe(
      '&lt;/script&gt;&lt;script&gt;alert(&quot;x&quot; &amp; &#39;y&#39;)&lt;/script&gt;',
    );
  });

  it('nests markup, joins lists and leaves out nothings', () => {
    const items = ['a', '<b>'].map((text) => html`<li>${text}</li>`);
    expect(html`<ul>${items}</ul>${null}${false}${0}${trusted('<hr>')}`.markup).toBe(
      '<ul><li>a</li><li>&lt;b&gt;</li></ul>0<hr>',
    );
  });
});

describe('visible', () => {
  it.each([
    ['a\nb', 'a⏎b'],
    ['a\tb', 'a⇥b'],
    ['\u202edrow', '⟨U+202E⟩drow'],
    ['\u2066x\u2069', '⟨U+2066⟩x⟨U+2069⟩'],
    ['\u0000\u001b[31m', '⟨U+0000⟩⟨U+001B⟩[31m'],
    ['\ud800', '⟨U+D800⟩'],
    ['café 🪁 naïve', 'café 🪁 naïve'],
  ])('writes %j as %s', (text, shown) => expect(visible(text)).toBe(shown));
});
