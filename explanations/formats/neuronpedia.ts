import { explanationText } from '../explanation.js';
import { type Entry, type ExplanationFormat, latentOf, provenanceOf, shown } from './format.js';
import { sourceId } from './hookpoints.js';
import { fieldsOf, jsonItems, numberField, someItemHas, textField } from './json.js';
import { textsOf } from './source.js';

// A download of a source has `features` and `activations` beside `explanations`, in batches of the same names.
const BATCH = /^(?:.*\/)?batch-\d+\.jsonl(?:\.gz)?$/;
const OTHER = /(?:^|\/)(?:features|activations)\//;
const isBatch = (file: string): boolean => BATCH.test(file) && !OTHER.test(file);

/** What was measured of it, by the name of the measure. */
function scoresOf(value: unknown): Record<string, number> | undefined {
  if (!Array.isArray(value)) return undefined;
  const scores = value.flatMap((each: unknown) => {
    const fields = fieldsOf(each);
    const [name, score] = [textField(fields?.explanationScoreTypeName), numberField(fields?.value)];
    return name === undefined || score === undefined ? [] : [[name, score] as const];
  });
  return scores.length === 0 ? undefined : Object.fromEntries(scores);
}

function entryOf(where: string, file: string, value: unknown): Entry {
  const fields = fieldsOf(value);
  const damaged = (found: string): Entry => ({ where, kind: 'damaged', found });
  if (fields === null) return damaged(`is no explanation: ${shown(value)}`);
  const latent = latentOf(fields.index);
  const place = textField(fields.layer);
  const text = textField(fields.description);
  if (latent === undefined) return damaged(`has the index ${shown(fields.index)}, which is no latent`);
  if (place === undefined) return damaged('names no layer');
  if (text === undefined) return damaged('has no description');
  const provenance = provenanceOf({
    by: textField(fields.authorName) ?? 'neuronpedia',
    model: textField(fields.explanationModelName),
    method: textField(fields.typeName),
    at: textField(fields.createdAt),
    file,
    scores: scoresOf(fields.scores),
  });
  return { where, kind: 'read', place, latent, fields: { style: 'sentence', text }, provenance };
}

/** Neuronpedia's exports: JSON lines in batches, packed or not, or the array that its export address answers with. */
export const neuronpedia: ExplanationFormat = {
  name: 'neuronpedia',
  holds: { styles: 'prose', provenance: 'who, by which model and method, when, and scores' },
  detect: (source) =>
    source.kind === 'folder'
      ? source.files.some(isBatch)
      : someItemHas(source.text, (fields) => 'layer' in fields && 'index' in fields && 'description' in fields),
  *read(source) {
    for (const { file, text, problem } of textsOf(source, isBatch)) {
      if (text === null) {
        yield { where: file, kind: 'damaged', found: `cannot be read: ${problem}` };
        continue;
      }
      for (const item of jsonItems(text, file)) {
        if ('damaged' in item) yield { where: item.where, kind: 'damaged', found: item.damaged };
        else yield entryOf(item.where, file, item.value);
      }
    }
  },
  write(explanations, { model = 'unknown' }) {
    const lines = explanations.map((explanation) => {
      const { by, model: writer, method, at, scores = {} } = explanation.provenance;
      return `${JSON.stringify({
        modelId: model,
        layer: sourceId(explanation.hookpoint),
        index: String(explanation.latent),
        description: explanationText(explanation),
        authorName: by,
        explanationModelName: writer ?? null,
        typeName: method ?? explanation.style,
        createdAt: at ?? null,
        scores: Object.entries(scores).map(([name, value]) => ({ explanationScoreTypeName: name, value })),
      })}\n`;
    });
    return new Map([['', lines.join('')]]);
  },
};
