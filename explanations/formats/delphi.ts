import { UsageError } from '../../harness/index.js';
import { explanationText } from '../explanation.js';
import { type ExplanationFormat, provenanceOf, shown } from './format.js';
import { fieldsOf, textField } from './json.js';
import { type Source, textsOf } from './source.js';

// `scores/` of the same run holds files of the same names, so only these two places count.
const FILE = /^(explanations\/)?([^/]+)_(?:latent|feature)(\d{1,9})\.txt$/;

/** The model and the explainer that the run's own configuration names. */
function runConfig(source: Source): { model?: string | undefined; method?: string | undefined } {
  if (source.kind !== 'folder' || !source.files.includes('run_config.json')) return {};
  try {
    const config = fieldsOf(JSON.parse(source.read('run_config.json')));
    return { model: textField(config?.explainer_model), method: textField(config?.explainer) };
  } catch {
    return {};
  }
}

/**
 * EleutherAI's delphi: `explanations/<hookpoint>_latent<n>.txt`, each a JSON string, in the folder of a run or by
 * themselves. `feature` stands for `latent` in older runs.
 */
export const delphi: ExplanationFormat = {
  name: 'delphi',
  holds: { styles: 'prose', provenance: 'nothing' },
  detect: (source) =>
    source.kind === 'folder' ? source.files.some((file) => FILE.test(file)) : FILE.test(source.name),
  *read(source) {
    const { model, method } = runConfig(source);
    const ofRun =
      source.kind === 'folder' && source.files.some((file) => file.startsWith('explanations/') && FILE.test(file));
    const wanted = (file: string): boolean => (FILE.exec(file)?.[1] !== undefined) === ofRun && FILE.test(file);
    for (const { file: where, text, problem } of textsOf(source, wanted)) {
      const [, , place, latent] = FILE.exec(where) ?? [];
      if (place === undefined || text === null) {
        yield { where, kind: 'damaged', found: `cannot be read: ${problem || 'its name names no latent'}` };
        continue;
      }
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        yield { where, kind: 'damaged', found: `is not JSON: ${shown(text)}` };
        continue;
      }
      if (typeof value !== 'string') {
        yield { where, kind: 'damaged', found: `is no text: ${shown(value)}` };
        continue;
      }
      const provenance = provenanceOf({ by: 'delphi', model, method, file: where });
      yield {
        where,
        kind: 'read',
        place,
        latent: Number(latent),
        fields: { style: 'sentence', text: value },
        provenance,
      };
    }
  },
  write(explanations) {
    const files = new Map<string, string>();
    for (const explanation of explanations) {
      const name = `${explanation.hookpoint.replaceAll('/', '--')}_latent${explanation.latent}.txt`;
      if (files.has(name)) {
        throw new UsageError(
          'EXPLANATION_DUPLICATE',
          `Latent ${explanation.latent} of ${explanation.hookpoint} has more than one explanation, and delphi keeps one.`,
          'Write one style at a time.',
        );
      }
      files.set(name, JSON.stringify(explanationText(explanation)));
    }
    return files;
  },
};
