/** `npm run bench -- <name> [--json]`: a table of figures, or one JSON object; exits 1 when a promise is not kept. */
import { parseArgs } from 'node:util';
import { arms } from './arms.js';
import type { Benchmark } from './benchmark.js';
import { engine } from './engine.js';
import { explainer } from './explainer.js';
import { localSimulator } from './local-simulator.js';
import { pythiaShape } from './pythia-shape.js';
import { sampledPlan } from './sampled-plan.js';
import { shapes } from './shapes.js';
import { store } from './store.js';

const benchmarks: readonly Benchmark[] = [
  arms,
  engine,
  explainer,
  localSimulator,
  pythiaShape,
  sampledPlan,
  shapes,
  store,
];

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' } } });
const benchmark = benchmarks.find(({ name }) => name === positionals[0]);
if (benchmark === undefined) {
  const known = benchmarks.map(({ name, about }) => `  ${name}: ${about}`).join('\n');
  console.error(`No benchmark is called ${positionals[0] ?? 'nothing'}.\n${known}`);
  process.exitCode = 2;
} else {
  const figures = await benchmark.run();
  if (values.json) console.log(JSON.stringify({ benchmark: benchmark.name, ...figures }));
  else {
    console.log(benchmark.about);
    for (const [name, figure] of Object.entries(figures)) {
      const limit = benchmark.promises[name];
      const promise = limit === undefined ? '' : `  (promised: at most ${limit})`;
      console.log(`  ${name.padEnd(20)} ${figure.toPrecision(3).padStart(9)}${promise}`);
    }
  }
  const broken = Object.entries(benchmark.promises).some(([name, limit]) => !((figures[name] ?? Number.NaN) <= limit));
  if (broken) process.exitCode = 1;
}
