// Starts worker.ts when the project runs from sources: Node 20 does not apply `--import` loaders to a worker's own file.
import { register } from 'tsx/esm/api';

register();
await import(new URL('./worker.ts', import.meta.url).href);
