import { UsageError } from '../../harness/index.js';
import { type Explanation, explanationText } from '../explanation.js';
import { type Entry, type ExplanationFormat, latentOf, provenanceOf, shown } from './format.js';
import { layerOf } from './hookpoints.js';
import { fieldsOf, jsonItems, numberField, someItemHas, textField } from './json.js';
import { textsOf } from './source.js';

const FILE = /^(?:.*\/)?\d+\/\d+\.jsonl?$/;
const SCORES = ['ev_correlation_score', 'rsquared_score', 'absolute_dev_explained_score'] as const;

function scoresOf(value: unknown): Record<string, number> | undefined {
  const fields = fieldsOf(value);
  const scores = SCORES.flatMap((name) => {
    const score = numberField(fields?.[name]);
    return score === undefined ? [] : [[name, score] as const];
  });
  return scores.length === 0 ? undefined : Object.fromEntries(scores);
}

/** A neuron's explanations, the best scored first: of several in one style the first is kept. */
function entriesOf(where: string, file: string, value: unknown): Entry[] {
  const neuron = fieldsOf(value);
  const id = fieldsOf(neuron?.neuron_id);
  const [layer, latent] = [latentOf(id?.layer_index), latentOf(id?.neuron_index)];
  const scored = neuron?.scored_explanations;
  if (layer === undefined || latent === undefined) return [{ where, kind: 'damaged', found: 'names no neuron' }];
  if (!Array.isArray(scored)) return [{ where, kind: 'damaged', found: 'has no scored_explanations' }];
  const read = scored.map((each: unknown, i): { entry: Entry; score: number } => {
    const at = scored.length === 1 ? where : `${where}, explanation ${i + 1}`;
    const fields = fieldsOf(each);
    const text = textField(fields?.explanation);
    if (text === undefined) {
      return { entry: { where: at, kind: 'damaged', found: `has no explanation: ${shown(each)}` }, score: -1 };
    }
    const scores = scoresOf(fields?.scored_simulation);
    const provenance = provenanceOf({ by: 'neuron-explainer', file, scores });
    const style = { style: 'sentence', text };
    return {
      entry: { where: at, kind: 'read', place: `layers.${layer}.mlp`, latent, fields: style, provenance },
      score: scores?.ev_correlation_score ?? -1,
    };
  });
  return read.sort((a, b) => b.score - a.score).map(({ entry }) => entry);
}

function neuronOf(explanation: Explanation): string {
  const layer = layerOf(explanation.hookpoint);
  if (layer === null || !explanation.hookpoint.endsWith('.mlp')) {
    throw new UsageError(
      'EXPLANATION_HOOKPOINT',
      `neuron-explainer's files speak of MLP neurons, and ${explanation.hookpoint} is no MLP of a layer.`,
      'Write these explanations in another format.',
    );
  }
  return `${layer}/${explanation.latent}.json`;
}

/** OpenAI's neuron-explainer: `<layer>/<neuron>.json`, one object with a neuron's scored explanations, of MLP neurons. */
export const openai: ExplanationFormat = {
  name: 'openai',
  holds: { styles: 'prose', provenance: 'scores of its own kinds only' },
  detect: (source) =>
    source.kind === 'folder'
      ? source.files.some((file) => FILE.test(file))
      : someItemHas(source.text, (fields) => 'neuron_id' in fields && 'scored_explanations' in fields),
  *read(source) {
    for (const { file, text, problem } of textsOf(source, (each) => FILE.test(each))) {
      if (text === null) {
        yield { where: file, kind: 'damaged', found: `cannot be read: ${problem}` };
        continue;
      }
      if (text.trim() === '') yield { where: file, kind: 'damaged', found: 'is empty' };
      for (const item of jsonItems(text, file)) {
        if ('damaged' in item) yield { where: item.where, kind: 'damaged', found: item.damaged };
        else yield* entriesOf(item.where, file, item.value);
      }
    }
  },
  write(explanations) {
    const neurons = new Map<string, Explanation[]>();
    for (const explanation of explanations) {
      const file = neuronOf(explanation);
      neurons.set(file, [...(neurons.get(file) ?? []), explanation]);
    }
    const written = [...neurons].map(([file, all]) => {
      const scored = all.map((explanation) => ({
        explanation: explanationText(explanation),
        scored_simulation: {
          scored_sequence_simulations: [],
          ...Object.fromEntries(SCORES.map((name) => [name, explanation.provenance.scores?.[name] ?? null])),
        },
      }));
      const [layer, neuron] = file.replace('.json', '').split('/').map(Number);
      const results = { neuron_id: { layer_index: layer, neuron_index: neuron }, scored_explanations: scored };
      return [file, `${JSON.stringify(results)}\n`] as const;
    });
    return new Map(written);
  },
};
