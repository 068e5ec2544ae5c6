import { join } from 'node:path';
import { parseArguments } from '../arguments.js';
import { readExperiment } from '../experiment/file.js';
import type { Experiment } from '../experiment/schema.js';
import { type Command, EXIT } from '../io.js';
import { packageFolder } from '../package.js';
import { exitOf, runAndPrint } from './run.js';

const usage = 'partial-rewrite demo [--llm [--model <name>] [--yes]] [--out <folder>]';

/** A transcoder for an MLP; an SAE on the residual stream after the same layer; the first again, its patterns read too. */
const EXPERIMENTS = ['demo.yaml', 'demo-sae.yaml', 'demo-reader.yaml'];
/** The same transcoder, its sentences read by a language model behind an endpoint. */
const WITH_LLM = ['demo-llm.yaml'];

/** The experiment with another model behind its endpoint. */
function readBy(model: string, experiment: Experiment): Experiment {
  return {
    ...experiment,
    simulated: experiment.simulated.map((each) =>
      each.simulator.kind === 'openai' ? { ...each, simulator: { ...each.simulator, model } } : each,
    ),
  };
}

export const demo: Command = {
  usage,
  summary:
    'run the embedded example; with --llm, a model at OPENAI_BASE_URL (PARTIAL_REWRITE_LLM_MODEL) reads the sentences',
  async run(args, io) {
    const options = {
      llm: { type: 'boolean', default: false },
      model: { type: 'string' },
      out: { type: 'string', default: 'results' },
      yes: { type: 'boolean', default: false },
    } as const;
    const { values } = parseArguments(args, options, [], usage);
    const model = values.model ?? io.environment.PARTIAL_REWRITE_LLM_MODEL;
    for (const file of values.llm ? WITH_LLM : EXPERIMENTS) {
      const given = await readExperiment(join(packageFolder(), 'experiments', file));
      const experiment = model === undefined ? given : readBy(model, given);
      // The embedded simulator costs nothing but seconds.
      const yes = values.yes || !values.llm;
      const outcome = await runAndPrint(experiment, join(values.out, given.name), yes, io);
      const exit = exitOf(outcome, io);
      if (exit !== EXIT.done) return exit;
    }
    return EXIT.done;
  },
};
