export { type CheckInput, checkPlanted, GOAL } from './check.js';
export type { HeldContext } from './draw.js';
export type { Proportion } from './proportion.js';
export {
  type CheckedEntry,
  type PlantedCheck,
  plantedCheckSchema,
  readPlantedCheck,
  writePlantedCheck,
} from './schema.js';
export { SUSPECT } from './suspicion.js';
