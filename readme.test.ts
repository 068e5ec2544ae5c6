import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Arm, readLatents, readReportData, readSummary, type Summary } from './eval/index.js';

const ROWS: readonly (readonly [kind: string, what: string])[] = [
  ['coder', 'the sparse coder as it is'],
  ['simulated', 'its encoder replaced by patterns of at most 64 tokens a latent'],
  ['control-ngram-1', 'a table of each latent’s mean for the current token'],
  ['control-shuffled', 'the patterns of other latents'],
  ['zero-latents', 'no latent fires; bias and skip path stay'],
  ['zero-output', 'zeros in the component’s place'],
];

/** The third run: who reads the patterns, by the arm that shows it. */
const READERS: readonly (readonly [arm: string, what: string])[] = [
  ['executed:linear@1', 'nobody: they are executed'],
  ['read:linear@1', 'the embedded simulator'],
  ['control-shuffled:read:linear', 'the embedded simulator, the patterns of other latents'],
  ['zero-output', 'nobody: zeros in the component’s place'],
];

const number = (value: number): string => (value < 0 ? '−' : '+') + Math.abs(value).toFixed(3);
const percent = (value: number): string => `${Math.round(100 * value)} %`;

function cell(arm: Arm | undefined): string {
  if (arm?.deltaCe.mean === null || arm?.recovered.mean === null || arm === undefined) throw new Error('not measured');
  const [low, high] = arm.recovered.ci;
  return `${number(arm.deltaCe.mean)}, keeps ${percent(arm.recovered.mean)} (${percent(low)} to ${percent(high)})`;
}

const armOf = ({ arms }: Summary, kind: string) =>
  arms.find((arm) => arm.kind === kind && (kind !== 'simulated' || arm.id === 'pattern:linear@1'));

describe('README', () => {
  it('states what the committed results say', async () => {
    const readme = readFileSync('README.md', 'utf8');
    const transcoder = await readSummary('results/demo-transcoder');
    const sae = await readSummary('results/demo-sae');
    const table = ROWS.map(
      ([kind, what]) => `| ${what} | ${cell(armOf(transcoder, kind))} | ${cell(armOf(sae, kind))} |`,
    );
    expect(readme).toContain(table.join('\n'));
  });

  it('states of two readers what the committed result says', async () => {
    const { arms } = await readSummary('results/demo-reader');
    const rows = READERS.map(([id, what]) => `| ${what} | ${cell(arms.find((arm) => arm.id === id))} |`);
    expect(readFileSync('README.md', 'utf8')).toContain(rows.join('\n'));
  });
});

describe('results/', () => {
  it.each(['results/demo-transcoder', 'results/demo-sae', 'results/demo-reader'])(
    '%s is what this version reads',
    async (folder) => {
      const { hookpoint } = await readSummary(folder);
      const rows = await readLatents(folder);
      const { examples } = await readReportData(folder);
      expect(new Set([...rows, ...examples.latents].map((each) => each.hookpoint))).toEqual(new Set([hookpoint]));
    },
  );
});
