// Starts worker.ts when the project runs from sources: Node 20 does not apply `--import` loaders to a worker's own file.
import { bundled } from './bundled.mjs';

await import(await bundled(new URL('./worker.ts', import.meta.url)));
