import { cpSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { packageFolder } from '../package.js';

/** Files that are programs of their own: each is started by its URL from beside whoever starts it. */
const THREADS = ['harness/runtime/worker.ts', 'cli/experiment/induction/worker.ts'];
const PROMPTS = ['replacements/explaining/prompts', 'replacements/judges/prompts', 'replacements/simulated/prompts'];
/** Compiled for the machine, or never there. */
const NOT_BUNDLED = ['onnxruntime-node', 'classic-level', 'canvas'];

/** Each of our sources knows itself by where it would lie compiled: what it reads beside it is found from there. */
function inPlace(root: string, dist: string): Plugin {
  return {
    name: 'in place',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        if (path.includes('node_modules')) return null;
        const compiled = join(dist, relative(root, path)).replace(/\.ts$/, '.js');
        const contents = readFileSync(path, 'utf8').replaceAll(
          'import.meta.url',
          JSON.stringify(pathToFileURL(compiled).href),
        );
        return { contents, loader: 'ts' };
      });
    },
  };
}

/**
 * Makes a copy of this package in an empty folder, as JavaScript in a few files, dependencies included; nothing is
 * type-checked. A process loads it in a fraction of the time that thousands of files take, which is most of what a
 * small run takes: for tests that start many.
 * @param program a source file, from the package's folder
 * @returns the URL of what it has become
 */
export async function bundlePackage(folder: string, program: string): Promise<URL> {
  const root = packageFolder();
  const dist = join(folder, 'dist');
  await build({
    entryPoints: [program, ...THREADS].map((name) => join(root, name)),
    outdir: dist,
    outbase: root,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: NOT_BUNDLED,
    plugins: [inPlace(root, dist)],
    // Dependencies in CommonJS ask for Node's own modules by it.
    banner: {
      js: "import { createRequire as ownRequire } from 'node:module'; const require = ownRequire(import.meta.url);",
    },
    logLevel: 'error',
    // Less to read at each start; names stay, for the stack of an error.
    minifyWhitespace: true,
    minifySyntax: true,
  });
  for (const prompts of PROMPTS) {
    for (const name of readdirSync(join(root, prompts)).filter((each) => each.endsWith('.txt'))) {
      cpSync(join(root, prompts, name), join(dist, prompts, name));
    }
  }
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return pathToFileURL(join(dist, program.replace(/\.ts$/, '.js')));
}
