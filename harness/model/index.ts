export type { Reuse } from './check.js';
export { type ComponentTrace, type CutModel, type CutOptions, openCut } from './cut.js';
export type { NamedHookpoint } from './hookpoints/index.js';
export { type InspectedHookpoint, type Inspection, inspectModel } from './inspect.js';
export type { Measurement, OpenCut, Protocol } from './measure.js';
export { type Model, type OpenOptions, openModel } from './open.js';
export type { Wiring } from './wiring.js';
