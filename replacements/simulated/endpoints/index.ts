export { ALARM_LIMITS, type Alarm, alarmText } from './alarms.js';
export { BudgetReached, type Spend } from './budget.js';
export { type Capabilities, chooseReadOut, type Needs, type ReadOutWay } from './capabilities.js';
export { systemClock } from './clock.js';
export type {
  AnswerStore,
  AskedEndpoints,
  EndpointConfig,
  Endpoints,
  EndpointsOptions,
  EngineOptions,
  Probed,
} from './endpoints.js';
export { type Engine, openEngine } from './engine.js';
export { queryKey, surprisalKey } from './key.js';
export { openEndpoints } from './open-endpoints.js';
export { answerTokens, OWN_FIELDS } from './request.js';
export { textExchange } from './text-exchange.js';
export { type HttpOptions, httpTransport, type Transport } from './transport.js';
export { Meter, type Price, type PriceTable, type Progress, type Usage } from './usage.js';
