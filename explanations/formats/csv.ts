import { explanationText } from '../explanation.js';
import { provenanceSchema } from '../record.js';
import { csvLine, csvRows } from './csv-text.js';
import { type Entry, type ExplanationFormat, latentOf, provenanceOf, shown } from './format.js';
import { fieldsOf } from './json.js';

/** What each column may be called; the first of each is what we write. */
const COLUMNS = {
  hookpoint: ['hookpoint', 'layer', 'module', 'source', 'sae_id'],
  latent: ['latent', 'index', 'feature', 'feature_id', 'latent_id', 'latent_index', 'feature_index', 'neuron'],
  style: ['style'],
  text: ['text', 'explanation', 'description', 'label'],
  /** JSON of a style's own fields, where text alone does not hold them. */
  fields: ['fields'],
  provenance: ['provenance'],
  by: ['by', 'author', 'explainer'],
  model: ['model', 'explainer_model', 'explanationmodelname'],
  method: ['method', 'typename'],
  at: ['at', 'date', 'created_at', 'createdat'],
} as const;
type Column = keyof typeof COLUMNS;
const NAMES = Object.entries(COLUMNS).flatMap(([column, names]) => names.map((name) => ({ column, name })));

type Cells = (column: Column) => string | undefined;

interface Header {
  readonly separator: string;
  readonly columns: ReadonlyMap<string, number>;
}

/** The first line's columns, by the separator that makes them a latent's and its text's; `null` where none does. */
function headerOf(text: string): Header | null {
  for (const separator of [',', '\t', ';']) {
    const [first] = csvRows(text.slice(0, text.indexOf('\n') + 1 || text.length), separator);
    const columns = new Map<string, number>();
    for (const [at, cell] of (first?.cells ?? []).entries()) {
      const known = NAMES.find(({ name }) => name === cell.trim().toLowerCase());
      if (known !== undefined && !columns.has(known.column)) columns.set(known.column, at);
    }
    if (columns.has('latent') && (columns.has('text') || columns.has('fields'))) return { separator, columns };
  }
  return null;
}

function parsedFields(cell: string | undefined): Readonly<Record<string, unknown>> | null {
  if (cell === undefined || cell === '') return {};
  try {
    return fieldsOf(JSON.parse(cell));
  } catch {
    return null;
  }
}

function entryOf(where: string, file: string, cell: Cells): Entry {
  const damaged = (found: string): Entry => ({ where, kind: 'damaged', found });
  const latent = latentOf(cell('latent'));
  const style = cell('style') || 'sentence';
  const own = parsedFields(cell('fields'));
  const given = parsedFields(cell('provenance'));
  if (latent === undefined) return damaged(`has ${shown(cell('latent'))} for a latent`);
  if (own === null) return damaged(`has fields that are no JSON object: ${shown(cell('fields'))}`);
  if (given === null) return damaged(`has a provenance that is no JSON object: ${shown(cell('provenance'))}`);
  const text = cell('text') ?? '';
  const isPlain = style === 'sentence' && Object.keys(own).length === 0;
  if (isPlain && text.trim() === '') return damaged('has no text');
  const said = provenanceOf({
    by: cell('by') || file,
    model: cell('model'),
    method: cell('method'),
    at: cell('at'),
    ...(Object.keys(given).length === 0 && { file }),
  });
  const provenance = provenanceSchema.safeParse({ ...said, ...given });
  if (!provenance.success) return damaged(`has a provenance that cannot be read: ${shown(given)}`);
  const fields = isPlain ? { style, text } : { ...own, style };
  return { where, kind: 'read', place: cell('hookpoint') || null, latent, fields, provenance: provenance.data };
}

/** A table with a column for the latent and one for the text; other columns as `COLUMNS` says, and any besides. */
export const csv: ExplanationFormat = {
  name: 'csv',
  holds: { styles: 'all', provenance: 'all' },
  detect: (source) => source.kind === 'file' && headerOf(source.text) !== null,
  *read(source) {
    const header = source.kind === 'file' ? headerOf(source.text) : null;
    if (source.kind !== 'file' || header === null) return;
    let first = true;
    for (const { line, cells } of csvRows(source.text, header.separator)) {
      const where = `${source.name}, line ${line}`;
      if (cells === null) yield { where, kind: 'damaged', found: 'has a quote that does not close where a cell ends' };
      else if (!first) yield entryOf(where, source.name, (column) => cells[header.columns.get(column) ?? -1]);
      first = false;
    }
  },
  write(explanations) {
    const header = ['hookpoint', 'latent', 'style', 'text', 'fields', 'provenance'];
    const rows = explanations.map((explanation) => {
      const { hookpoint, latent, style, provenance, ...fields } = explanation;
      const own = style === 'sentence' ? '' : JSON.stringify(fields);
      return [hookpoint, String(latent), style, explanationText(explanation), own, JSON.stringify(provenance)];
    });
    return new Map([['', [header, ...rows].map(csvLine).join('')]]);
  },
};
