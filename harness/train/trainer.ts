import {
  float32,
  float32Data,
  type KeptTensor,
  type Runtime,
  type Session,
  type TensorData,
} from '../runtime/index.js';
import { correctedRate, stateNames } from './adam.js';

/** A trained tensor: its place in the graph and what it starts from. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

const NEXT = 'next/';

/**
 * Runs a graph that `adamStep` has completed, keeping weights and moments on the runtime's side between steps.
 * Every other output of the graph is float32 and comes back from each step, e.g. the loss.
 */
export class Trainer {
  private steps = 0;

  private constructor(
    private readonly runtime: Runtime,
    private readonly session: Session,
    private readonly parameters: readonly Parameter[],
    private state: ReadonlyMap<string, KeptTensor>,
  ) {}

  static async open(runtime: Runtime, model: Uint8Array, parameters: readonly Parameter[]): Promise<Trainer> {
    const session = await runtime.createSession(model);
    const state = new Map<string, KeptTensor>();
    for (const { name, shape, data } of parameters) {
      const names = stateNames(name);
      state.set(names.weight, await runtime.keep(float32Data(data, shape)));
      for (const moment of [names.first, names.second]) {
        state.set(moment, await runtime.keep(float32Data(new Float32Array(data.length), shape)));
      }
    }
    return new Trainer(runtime, session, parameters, state);
  }

  /**
   * One step of Adam.
   * @param rate learning rate, before bias correction
   * @returns the graph's other outputs, as they were before the step
   */
  async step(
    batch: Readonly<Record<string, TensorData>>,
    rate: number,
  ): Promise<Readonly<Record<string, Float32Array>>> {
    this.steps += 1;
    const corrected = float32Data(Float32Array.of(correctedRate(rate, this.steps)), []);
    const { outputs } = this.session;
    const fetch = Object.fromEntries(
      outputs.map((name) => [name, name.startsWith(NEXT) ? ('keep' as const) : ('data' as const)]),
    );
    const results = await this.session.run({ ...batch, rate: corrected, ...Object.fromEntries(this.state) }, fetch);
    const spent = [...this.state.values()];
    const next = new Map<string, KeptTensor>();
    const watched: Record<string, Float32Array> = {};
    for (const [name, value] of Object.entries(results)) {
      if (value.type === 'kept') next.set(name.slice(NEXT.length), value);
      else watched[name] = float32(results, name).data;
    }
    this.state = next;
    await this.runtime.release(...spent);
    return watched;
  }

  /** The weights as they are now, by parameter name. */
  async weights(): Promise<ReadonlyMap<string, Float32Array>> {
    const weights = new Map<string, Float32Array>();
    for (const { name } of this.parameters) {
      weights.set(name, float32({ [name]: await this.runtime.read(this.state.get(name)!) }, name).data);
    }
    return weights;
  }

  /** Frees the session and what it kept. */
  async dispose(): Promise<void> {
    await this.runtime.release(...this.state.values());
    await this.session.dispose();
  }
}
