/**
 * Rows as text, columns two blanks apart. Text leans left, numbers lean right.
 * @param align one letter a column: `l` or `r`
 */
export function plainTable(rows: readonly (readonly string[])[], align: string): string {
  const widths = [...align].map((_, column) => Math.max(0, ...rows.map((cells) => cells[column]?.length ?? 0)));
  const padded = (text: string, column: number) =>
    align[column] === 'r' ? text.padStart(widths[column]!) : text.padEnd(widths[column]!);
  return rows.map((cells) => cells.map(padded).join('  ').trimEnd()).join('\n');
}
