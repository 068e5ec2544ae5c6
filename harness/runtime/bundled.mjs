// Makes one file of a program in TypeScript and all of ours that it needs, for threads that start when the project runs
// from sources: through a loader that transforms file by file, each start takes seconds of CPU time.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

// Below node_modules, so that it finds the dependencies, which stay files of their own.
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/partial-rewrite/', import.meta.url));

/** What tells a file from what it was. */
const stateOf = (path) => {
  const { mtimeMs, size } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: 0, size: 0 };
  return `${mtimeMs} ${size}`;
};

/** Sources know themselves by where they lie: what they read beside them is found from there. */
const inPlace = {
  name: 'in place',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const own = JSON.stringify(pathToFileURL(path).href);
      return { contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', own), loader: 'ts' };
    });
  },
};

/** The inputs of a file that was made before; `null` where there is none. */
function knownInputs(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

/** The URL of a program as one JavaScript file in a cache, made again when any of its sources has changed. */
export async function bundled(source, cache = CACHE) {
  const path = fileURLToPath(source);
  const name = join(cache, createHash('sha256').update(path).digest('hex').slice(0, 16));
  const [file, list] = [`${name}.mjs`, `${name}.json`];
  const known = knownInputs(list);
  if (known !== null && Object.entries(known).every(([input, state]) => stateOf(input) === state)) {
    return pathToFileURL(file).href;
  }
  // Only now: most starts need none of it.
  const { build } = await import('esbuild');
  const { metafile, outputFiles } = await build({
    entryPoints: [path],
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    plugins: [inPlace],
    metafile: true,
    write: false,
    absWorkingDir: '/',
    logLevel: 'error',
  });
  const inputs = Object.fromEntries(Object.keys(metafile.inputs).map((input) => [`/${input}`, stateOf(`/${input}`)]));
  // Beside and moved into place: several processes may make it at once. The list comes last, for it vouches for the file.
  mkdirSync(cache, { recursive: true });
  for (const [to, text] of [
    [file, outputFiles[0].text],
    [list, JSON.stringify(inputs)],
  ]) {
    const beside = `${to}.${process.pid}-${performance.now()}`;
    writeFileSync(beside, text);
    renameSync(beside, to);
  }
  return pathToFileURL(file).href;
}
