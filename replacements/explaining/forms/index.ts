import { clausesForm } from './clauses.js';
import { contrastiveForm } from './contrastive.js';
import type { Form, WrittenStyle } from './form.js';
import { gradedForm } from './graded.js';
import { sentenceForm } from './sentence.js';

/** The form of each style that is written by a language model. */
export const forms: { readonly [S in WrittenStyle]: Form<S> } = {
  sentence: sentenceForm,
  contrastive: contrastiveForm,
  clauses: clausesForm,
  graded: gradedForm,
};
