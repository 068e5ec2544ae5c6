/** How a tokenizer spells text in its tokens. */
export type Spelling =
  /** GPT-2: every byte has a printable stand-in. */
  | 'byte-level'
  /** SentencePiece: `▁` is a space, `<0x0A>` a byte that has no token of its own. */
  | 'sentencepiece'
  /** Tokens are written as they are. */
  | 'plain';

/** The byte behind each of GPT-2's stand-ins: visible Latin-1 is itself, the others follow from U+0100 on. */
const BYTE_OF_STAND_IN: ReadonlyMap<string, number> = (() => {
  const isVisible = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  let spare = 0x100;
  return new Map(
    Array.from({ length: 256 }, (_, byte) => [String.fromCodePoint(isVisible(byte) ? byte : spare++), byte]),
  );
})();

const BYTE_NAME = /^<0x([0-9A-F]{2})>$/;

/**
 * The surface form of each token of a vocabulary, by id. Joined, the forms of an encoded text read as that text,
 * spaces included; a byte that is no character alone reads `<0xE2>`.
 *
 * Where a byte and an ordinary token read the same ("a" beside `<0x61>`), the byte keeps its name: an encoder writes
 * it with the ordinary token, so joined text still reads right and each form names one id.
 * @param tokens the vocabulary's own spelling by id; `undefined` where an id is not in use
 * @param special ids of special tokens, which keep their names
 */
export function surfaceForms(
  tokens: readonly (string | undefined)[],
  special: ReadonlySet<number>,
  spelling: Spelling,
): readonly string[] {
  const isByte = (token: string | undefined, id: number): token is string =>
    spelling === 'sentencepiece' && token !== undefined && !special.has(id) && BYTE_NAME.test(token);
  const forms = tokens.map((token, id) => {
    if (token === undefined) return `<unused ${id}>`;
    if (special.has(id) || isByte(token, id)) return token;
    return ordinaryForm(token, spelling);
  });
  const taken = new Set(forms);
  return forms.map((form, id) => {
    if (!isByte(tokens[id], id)) return form;
    const character = readBytes([Number.parseInt(form.slice(3, 5), 16)]);
    return taken.has(character) ? form : character;
  });
}

function ordinaryForm(token: string, spelling: Spelling): string {
  switch (spelling) {
    case 'byte-level': {
      const bytes = Array.from(token, (symbol) => BYTE_OF_STAND_IN.get(symbol));
      // A token added by hand may be spelled in plain text.
      return bytes.every((byte) => byte !== undefined) ? readBytes(bytes) : token;
    }
    case 'sentencepiece':
      return token.replaceAll('▁', ' ');
    case 'plain':
      return token;
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes as UTF-8 text, with `<0xE2>` for each that is part of no whole character. */
function readBytes(bytes: readonly number[]): string {
  let text = '';
  for (let start = 0; start < bytes.length; ) {
    const first = bytes[start]!;
    const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    const character = decodeCharacter(bytes.slice(start, start + length));
    text += character ?? `<0x${first.toString(16).toUpperCase().padStart(2, '0')}>`;
    start += character === null ? 1 : length;
  }
  return text;
}

function decodeCharacter(bytes: readonly number[]): string | null {
  try {
    return strictUtf8.decode(Uint8Array.from(bytes));
  } catch {
    return null; // fatal decoding throws on anything but whole characters
  }
}
