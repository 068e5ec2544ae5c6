import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import {
  openSafetensors,
  type SafetensorsFile,
  type StoredTensor,
  sha256OfFile,
  UsageError,
} from '../../harness/index.js';
import type { CoderSpec, CoderTensor, SparsityRule } from './coder.js';

/** The keys of `cfg.json` that matter here; the rest is about training. */
const cfgSchema = z.looseObject({
  d_in: z.number().int().positive().optional(),
  activation: z.enum(['topk', 'groupmax']).default('topk'),
  k: z.number().int().positive(),
  num_latents: z.number().int().nonnegative().default(0),
  expansion_factor: z.number().positive().optional(),
  skip_connection: z.boolean().default(false),
  /** Absent in checkpoints from before 2025-02-12. */
  transcode: z.boolean().optional(),
});
type Cfg = z.infer<typeof cfgSchema>;

async function readCfg(folder: string): Promise<Cfg> {
  const path = join(folder, 'cfg.json');
  const next = 'Give a folder with the cfg.json and sae.safetensors that sparsify writes for one hookpoint.';
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new UsageError('NO_CODER', `${path} is missing or is not JSON.`, next, { cause });
  }
  const cfg = cfgSchema.safeParse(json);
  if (!cfg.success) {
    const issue = cfg.error.issues[0]!;
    throw new UsageError('BAD_CODER_CFG', `${path}: ${issue.path.join('.')}: ${issue.message}.`, next);
  }
  return cfg.data;
}

interface Expected {
  readonly name: string;
  readonly shape: readonly (number | null)[];
}

function find(file: SafetensorsFile, { name, shape }: Expected): StoredTensor {
  const tensor = file.tensors.get(name);
  const wanted = `[${shape.map((dim) => dim ?? '?')}]`;
  const next = 'Check that cfg.json and sae.safetensors belong together.';
  if (!tensor) throw new UsageError('CODER_TENSOR', `${file.path} has no tensor ${name} ${wanted}.`, next);
  if (tensor.shape.length !== shape.length || shape.some((dim, axis) => dim !== null && dim !== tensor.shape[axis])) {
    throw new UsageError('CODER_TENSOR', `${file.path}: ${name} is [${tensor.shape}], not ${wanted}.`, next);
  }
  return tensor;
}

/** float32 stays where it is, to be mapped by the runtime, which wants it aligned; other floats are converted. */
async function locate(file: SafetensorsFile, tensor: StoredTensor): Promise<CoderTensor> {
  if (tensor.type !== 'F32' || tensor.offset % 4 !== 0) return { at: 'memory', data: await file.read(tensor) };
  return {
    at: 'file',
    folder: dirname(file.path),
    file: basename(file.path),
    offset: tensor.offset,
    length: tensor.length,
  };
}

function sparsityOf(cfg: Cfg, latents: number, folder: string): SparsityRule {
  if (cfg.k > latents || (cfg.activation === 'groupmax' && latents % cfg.k !== 0)) {
    throw new UsageError(
      'BAD_CODER_CFG',
      `${folder}: k = ${cfg.k} does not fit ${latents} latents with activation ${cfg.activation}.`,
      'Check that cfg.json belongs to this sae.safetensors.',
    );
  }
  return { kind: cfg.activation, k: cfg.k };
}

/** sparsify names a coder's folder after its hookpoint, relative to the base model. */
function hookpointOf(folder: string): string | null {
  const name = /(?:^|[./_])(layers\.\d+(?:\.mlp)?)$/.exec(basename(resolve(folder)));
  return name ? name[1]! : null;
}

/**
 * Reads a sparsify checkpoint, old or new: `<hookpoint>/cfg.json` and `sae.safetensors`.
 *
 * `b_dec` is subtracted from the input unless `transcode` is true: SAEs centre their input, and so did the
 * transcoders of before 2025-02-12, which have `skip_connection` but no `transcode`.
 * @throws {UsageError} for files that are missing, damaged, or disagree with each other
 * @see https://github.com/EleutherAI/sparsify
 */
export async function readSparsify(folder: string): Promise<CoderSpec> {
  const cfg = await readCfg(folder);
  const file = await openSafetensors(join(folder, 'sae.safetensors'));
  const encoder = find(file, { name: 'encoder.weight', shape: [null, cfg.d_in ?? null] });
  const [latents, inputWidth] = [encoder.shape[0]!, encoder.shape[1]!];
  const stated = cfg.num_latents || (cfg.expansion_factor ? Math.round(inputWidth * cfg.expansion_factor) : latents);
  if (stated !== latents) {
    throw new UsageError(
      'CODER_TENSOR',
      `${folder}: cfg.json states ${stated} latents, encoder.weight has ${latents}.`,
      'Check that cfg.json and sae.safetensors belong together.',
    );
  }
  const encoderBias = find(file, { name: 'encoder.bias', shape: [latents] });
  const decoder = find(file, { name: 'W_dec', shape: [latents, null] });
  const outputWidth = decoder.shape[1]!;
  const decoderBias = find(file, { name: 'b_dec', shape: [outputWidth] });
  const skip = cfg.skip_connection ? find(file, { name: 'W_skip', shape: [outputWidth, inputWidth] }) : null;
  const subtractsDecoderBias = cfg.transcode !== true;
  if (subtractsDecoderBias && inputWidth !== outputWidth) {
    throw new UsageError(
      'BAD_CODER_CFG',
      `${folder}: widths ${inputWidth} and ${outputWidth} differ, but cfg.json has no transcode.`,
      'Set "transcode": true if this is a transcoder.',
    );
  }
  return {
    id: await sha256OfFile(file.path),
    kind: cfg.transcode === true || cfg.skip_connection ? 'transcoder' : 'sae',
    hookpoint: hookpointOf(folder),
    inputWidth,
    outputWidth,
    latents,
    sparsity: sparsityOf(cfg, latents, folder),
    subtractsDecoderBias,
    encoder: await locate(file, encoder),
    encoderBias: await locate(file, encoderBias),
    decoder: await locate(file, decoder),
    decoderBias: await locate(file, decoderBias),
    skip: skip && (await locate(file, skip)),
  };
}
