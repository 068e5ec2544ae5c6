import { type Model, openTextLosses, type TextLosses } from '../../../harness/index.js';
import { type Judge, type KeptSurprisals, languageModelJudge, type Meter } from '../../../replacements/index.js';

export interface LocalReadingOptions {
  /** Short name in tables. */
  readonly id: string;
  readonly kept: KeptSurprisals;
  /** Told of each text that the model reads; what the store knows, it need not. */
  readonly meter: Meter;
  /** Called when a question has its answer, read or stored. */
  readonly onAnswer: (question: string) => void;
}

/** A language model of this machine as a reader that is surprised or not. */
export interface LocalReading {
  readonly judge: Judge;
  /** Texts that went through the model, and their tokens with those of what was given before them. */
  readonly usage: { readonly texts: number; readonly tokens: number };
  dispose(): Promise<void>;
}

/** Opened when it first has to read: where the store knows all, never. */
export function localReading(model: Model, { id, kept, meter, onAnswer }: LocalReadingOptions): LocalReading {
  const usage = { texts: 0, tokens: 0 };
  let opened: Promise<TextLosses> | undefined;
  const losses: TextLosses['losses'] = async (tokens, from) => {
    opened ??= openTextLosses(model);
    const reader = await opened;
    meter.count('calls');
    const found = await reader.losses(tokens, from);
    meter.answered();
    usage.texts++;
    usage.tokens += tokens.length;
    return found;
  };
  return {
    judge: {
      id,
      async surprisal(question, signal) {
        const judge = languageModelJudge({ losses }, await model.tokenizer(), { id, kept });
        const answer = await judge.surprisal(question, signal);
        onAnswer(JSON.stringify(question));
        return answer;
      },
    },
    usage,
    async dispose() {
      await (await opened?.catch(() => undefined))?.dispose();
    },
  };
}
