import { readFile } from 'node:fs/promises';
import { type ParquetQueryFilter, parquetMetadata, parquetReadObjects } from 'hyparquet';
import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer';
import type { z } from 'zod';
import { UsageError } from '../../harness/index.js';
import { isAbsent } from './files.js';

/** Key of the file's own metadata under which the schema's name is kept. */
const SCHEMA_KEY = 'schema';

/** A parquet file that names its schema. The same columns give the same bytes. */
export function tableBytes(schema: string, columns: readonly ColumnSource[]): Uint8Array {
  return new Uint8Array(
    parquetWriteBuffer({
      columnData: [...columns],
      createdBy: 'partial-rewrite',
      kvMetadata: [{ key: SCHEMA_KEY, value: schema }],
    }),
  );
}

/**
 * Reads a table's rows in the file's order.
 * @param older schemas that can be read too
 * @param filter which rows; all when left out
 * @throws {UsageError} RESULT_MISSING, RESULT_UNREADABLE or RESULT_SCHEMA
 */
export async function readTable<Row>(
  path: string,
  schema: string,
  row: z.ZodType<Row>,
  { older = [], filter }: { readonly older?: readonly string[]; readonly filter?: ParquetQueryFilter } = {},
): Promise<Row[]> {
  const again = 'Run the experiment again, or point at another results folder.';
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if (isAbsent(error)) throw new UsageError('RESULT_MISSING', `There is no ${path}.`, again);
    throw error;
  }
  const file = new Uint8Array(bytes).buffer;
  let rows: unknown[];
  let written: string | undefined;
  try {
    const metadata = parquetMetadata(file);
    written = metadata.key_value_metadata?.find(({ key }) => key === SCHEMA_KEY)?.value;
    rows = await parquetReadObjects({ file, metadata, ...(filter && { filter }) });
  } catch (cause) {
    throw new UsageError('RESULT_UNREADABLE', `${path} is not a whole parquet file.`, again, { cause });
  }
  if (written === undefined || ![schema, ...older].includes(written)) {
    throw new UsageError('RESULT_SCHEMA', `${path} is ${written ?? 'of no schema'}, not ${schema}.`, again);
  }
  const parsed = row.array().safeParse(rows);
  if (!parsed.success) {
    throw new UsageError('RESULT_SCHEMA', `${path} does not fit ${schema}: ${firstIssue(parsed.error)}`, again);
  }
  return parsed.data;
}

/** Where and what the first thing wrong is, on one line. */
export function firstIssue({ issues }: z.ZodError): string {
  const issue = issues[0];
  return issue === undefined
    ? 'it is not what was expected.'
    : `${issue.path.join('.') || 'top level'}: ${issue.message}.`;
}
