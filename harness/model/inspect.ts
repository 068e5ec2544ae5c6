import { openUnchecked } from './cut.js';
import { type OpenOptions, openModel } from './open.js';

/** What `inspect` tells of a model. */
export interface Inspection {
  readonly model: string;
  readonly architecture: string;
  readonly layers: number;
  readonly hookpoints: readonly InspectedHookpoint[];
}

export interface InspectedHookpoint {
  readonly id: string;
  /** Tensor names in the model's graph. */
  readonly reads: string;
  readonly writes: string;
  readonly width: number;
  /** Max |Δ logit| of prefix, original component and suffix against the whole model. */
  readonly rejoined: number;
  /** The same with the component's output zeroed. */
  readonly silenced: number;
}

/**
 * Cuts a model at each of its hookpoints and tells what each cut does to the logits; a bad one is told, not refused.
 * @param onHookpoint called before each hookpoint with how many are done of how many
 * @throws {UsageError} for a folder that is no model, or a hookpoint whose tensors cannot be cut
 */
export async function inspectModel(
  folder: string,
  options: OpenOptions = {},
  onHookpoint: (done: number, all: number) => void = () => {},
): Promise<Inspection> {
  const model = openModel(folder, options);
  try {
    const hookpoints: InspectedHookpoint[] = [];
    for (const { id, reads, writes, width } of model.hookpoints) {
      onHookpoint(hookpoints.length, model.hookpoints.length);
      const cut = await openUnchecked(model, id);
      hookpoints.push({ id, reads, writes, width, ...cut.wiring });
      await cut.dispose();
    }
    return { model: model.name, architecture: model.architecture, layers: model.layers, hookpoints };
  } finally {
    await model.dispose();
  }
}
