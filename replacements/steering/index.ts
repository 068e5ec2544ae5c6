export { latentEffects } from './effects.js';
export { STEERING_PLAN, type Steering, type SteeringPlan, steering } from './steer.js';
