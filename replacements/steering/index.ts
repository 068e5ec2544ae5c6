export { latentEffects } from './effects.js';
export { divergence, STEERING_PLAN, type Steering, type SteeringPlan, steering, strengthOf } from './steer.js';
