import { formatExplanations } from '../file.js';
import { provenanceSchema } from '../record.js';
import { type Entry, type ExplanationFormat, latentOf, shown } from './format.js';
import { fieldsOf, jsonItems, someItemHas, textField } from './json.js';

function entryOf(where: string, file: string, value: unknown): Entry {
  const damaged = (found: string): Entry => ({ where, kind: 'damaged', found });
  const record = fieldsOf(value);
  if (record === null) return damaged(`is no explanation: ${shown(value)}`);
  const { hookpoint, latent: number, provenance, ...fields } = record;
  const latent = latentOf(number);
  const place = textField(hookpoint);
  if (latent === undefined) return damaged(`names no latent: ${shown(number)}`);
  if (place === undefined) return damaged(`names no hookpoint: ${shown(hookpoint)}`);
  const from = provenanceSchema.safeParse(provenance ?? { by: file });
  if (!from.success) return damaged(`has a provenance that cannot be read: ${shown(provenance)}`);
  return { where, kind: 'read', place, latent, fields, provenance: from.data };
}

/** Our own: JSON lines, one explanation each, every style. */
export const jsonl: ExplanationFormat = {
  name: 'jsonl',
  holds: { styles: 'all', provenance: 'all' },
  detect: (source) =>
    source.kind === 'file' && someItemHas(source.text, (fields) => 'style' in fields && 'latent' in fields),
  *read(source) {
    if (source.kind !== 'file') return;
    for (const item of jsonItems(source.text, source.name)) {
      if ('damaged' in item) yield { where: item.where, kind: 'damaged', found: item.damaged };
      else yield entryOf(item.where, source.name, item.value);
    }
  },
  write: (explanations) => new Map([['', formatExplanations(explanations)]]),
};
