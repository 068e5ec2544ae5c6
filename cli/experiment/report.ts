import { join } from 'node:path';
import { readReportData, writeWhole } from '../../eval/index.js';
import { renderFigure, renderReport } from '../../report/index.js';

/**
 * Draws what a result folder holds: `report.html`, and `figure.svg` for pages that are not ours.
 * @returns the report's path
 * @throws {UsageError} for a folder that holds no whole result
 */
export async function writeReport(folder: string): Promise<string> {
  const data = await readReportData(folder);
  const path = join(folder, 'report.html');
  await writeWhole(join(folder, 'figure.svg'), renderFigure(data.summary));
  await writeWhole(path, renderReport(data));
  return path;
}
