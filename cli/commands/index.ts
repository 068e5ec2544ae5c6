import type { Command } from '../io.js';
import { cache } from './cache.js';
import { compare } from './compare.js';
import { convert } from './convert.js';
import { demo } from './demo.js';
import { explain } from './explain.js';
import { importModel } from './import.js';
import { importAnswersCommand } from './import-answers.js';
import { inspect } from './inspect.js';
import { plan } from './plan.js';
import { report } from './report.js';
import { run } from './run.js';
import { score } from './score.js';
import { selfCheck } from './self-check.js';
import { serveSimulator } from './serve-simulator.js';
import { train } from './train.js';

/** Every command by its name, in the order of the help. A new one is a file here and one line. */
export const commands: Readonly<Record<string, Command>> = {
  demo,
  run,
  plan,
  inspect,
  'import-answers': importAnswersCommand,
  import: importModel,
  train,
  cache,
  explain,
  convert,
  score,
  'self-check': selfCheck,
  report,
  compare,
  'serve-simulator': serveSimulator,
};
