/** Markup that is safe to put into a page as it is. Only {@link html} and {@link trusted} make it. */
export interface Html {
  readonly markup: string;
}

/** What a template takes: text is escaped, markup is not, lists are joined, `null` and `false` are nothing. */
export type Content = string | number | Html | readonly Content[] | null | false;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Characters that change how their neighbours read, or that are no characters: controls, direction marks, lone surrogates. */
const UNSEEN = /[\p{Cc}\p{Cs}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

/**
 * Shows what would otherwise be unseen: a line break as ⏎, a tab as ⇥, any other control or direction mark by its code
 * point. A text about tokens must show them, and none of them may reorder the text around it.
 */
export function visible(text: string): string {
  return text.replace(UNSEEN, (mark) => {
    if (mark === '\n') return '⏎';
    if (mark === '\t') return '⇥';
    return `⟨U+${mark.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}⟩`;
  });
}

/** Text for HTML, in elements and in quoted attributes alike. */
export function escapeHtml(text: string): string {
  return visible(text).replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

/** Says that `markup` is safe as it is: our own constants, or an SVG whose texts have been escaped. */
export function trusted(markup: string): Html {
  return { markup };
}

function render(content: Content): string {
  if (content === null || content === false) return '';
  if (typeof content === 'string') return escapeHtml(content);
  if (typeof content === 'number') return escapeHtml(String(content));
  return 'markup' in content ? content.markup : content.map(render).join('');
}

/** Builds markup from a template whose holes are escaped. */
export function html(strings: TemplateStringsArray, ...holes: readonly Content[]): Html {
  return { markup: strings.reduce((page, string, i) => page + render(holes[i - 1] ?? null) + string) };
}
