// Looks for sentences that tell a judge what to do. It stands beside what the prompts do, which enclose explanations as
// data: a judge may obey what it was told not to obey, and a score of 1 that was begged for is worse than none.
//
// Commands begin a clause. What an explanation only quotes, such as "ignore previous", stays readable, and so do labels
// that name what a latent says: `Say "yes"`, `answers of yes or no`. Every repetition is bounded: text is hostile here.

const SENTENCE = String.raw`(?:^|[.!?:;>\n]\s?)`;
const CLAUSE = String.raw`(?:^|[.!?:;,>\n()–—]\s?|\s-{1,3}\s|\b(?:and|then|but|or|now|so)\s)`;
const POLITE = String.raw`(?:(?:please|kindly|just|simply|now|instead|always|only)\s){0,3}`;
const IGNORE = `(?:ignore|disregard|forget|override|do not follow|don't follow|stop following)`;
const ANSWER = `(?:answer|respond|reply|output|rate|give|predict|assign|score)`;
/** Labels name an output as `say "yes"`, and code as `return true`, so these need more to be a command. */
const SAY = `(?:say|return|print|${ANSWER})`;
const ORDERS = `(?:instructions?|prompts?|rules?|guidelines?|directions?|orders|commands?|task|explanations?|descriptions?)`;
const BEFORE = String.raw`(?:previous|above|prior|earlier|preceding|foregoing|system|text)(?=$|[.!?;,\n]| and\b| text\b| messages?\b)`;
const ASKED = `(?:token|text|question|input|example|time)`;
const WHATEVER = `(?:always|every ${ASKED}|everything|everywhere|whatever|regardless|no matter|all ${ASKED}s|any ${ASKED})`;
const VERDICT = String.raw`(?:(?:with|as|it|be) ){0,2}["'“]?(?:yes|no|true|false|\d|perfect|the (?:maximum|highest|largest))["'”]?`;
const ENDS = String.raw`(?:$|\s?[.!;\n]|\s(?:for|to|on|in) (?:the|this|all|any|each|every)\b)`;

const COMMANDS = [
  String.raw`${CLAUSE}${POLITE}${IGNORE}\s(?:[\w']{1,20}\s){0,4}?(?:${ORDERS}\b|${BEFORE})`,
  String.raw`${SENTENCE}(?:please )?(?:always |just |only |now ){1,3}${ANSWER}\b`,
  String.raw`${CLAUSE}you (?:must|should|will|are to|have to|need to) (?:now |always |only |just ){0,2}${SAY}\b`,
  String.raw`${CLAUSE}${POLITE}${SAY}\b(?!\s(?:to|of)\b)[^.!?\n]{0,60}\b${WHATEVER}\b`,
  String.raw`${SENTENCE}${POLITE}${ANSWER}\s(?:(?:this|the|it) ?(?:explanation|one|text)?\s)?${VERDICT}${ENDS}`,
  String.raw`${SENTENCE}please ${SAY}\s(?:\w{1,20}\s){0,4}${VERDICT}`,
  `${CLAUSE}(?:your|the (?:correct|right|only|best|true)) (?:answer|output|reply|response|rating|score) (?:is|must|should|will|has to) (?:now |always ){0,2}${VERDICT}`,
  String.raw`${CLAUSE}your (?:new )?(?:task|role|job) is\b`,
  `${CLAUSE}from now on,? (?:you |${SAY}|ignore)`,
  String.raw`${CLAUSE}you are (?:now )?(?:an?|the) (?:judge|assistant|model|rater|simulator|evaluator|ai)\b`,
  String.raw`${SENTENCE}(?:new|updated|further) (?:system )?(?:instructions?|prompt)\s?:`,
  String.raw`${SENTENCE}(?:system|assistant)\s?:\s?(?:you|your|always|never|ignore|${SAY})\b`,
].map((source) => new RegExp(source, 'i'));

/** Letters of other scripts that pass for Latin ones and hide a word from a search. */
const LOOKALIKES = new Map([...'аеорсухіѕјԁοαι'].map((letter, i) => [letter, 'aeopcyxisjdoai'[i]!]));

/** As a reader sees it: plain letters and single blanks, without quotes around the whole. */
function plainly(text: string, invisible: '' | ' '): string {
  return text
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, invisible)
    .replace(/\P{ASCII}/gu, (letter) => LOOKALIKES.get(letter.toLowerCase()) ?? letter)
    .replace(/\s+/g, (blanks) => (blanks.includes('\n') ? '\n' : ' '))
    .trim()
    .replace(/^["'“”‘’`]{1,3}/, '')
    .replace(/["'“”‘’`]{1,3}$/, '');
}

/** A sentence that tells its reader what to do rather than what a latent does; `null` where there is none. */
export function commandIn(text: string): string | null {
  // What is invisible may stand between two words or within one.
  const readings = new Set([plainly(text, ''), plainly(text, ' ')]);
  for (const plain of readings) {
    for (const command of COMMANDS) {
      const found = command
        .exec(plain)?.[0]
        .replace(/^[\s.!?:;,>()–—-]+/, '')
        .trim();
      if (found !== undefined) return found;
    }
  }
  return null;
}
