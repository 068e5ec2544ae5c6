import type { Explanation } from './explanation.js';
import { describePattern } from './pattern/describe.js';

/** An explanation as a person or a language model reads it, whatever its style. */
export function explanationText(explanation: Explanation): string {
  switch (explanation.style) {
    case 'sentence':
      return explanation.text;
    case 'pattern':
      return describePattern(explanation.rules);
  }
}
