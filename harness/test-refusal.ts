import { UsageError } from './errors.js';

/** What the user is told when `action` refuses. @throws when it does not, or fails in another way */
export function refusal(action: () => unknown): Pick<UsageError, 'code' | 'message'> {
  try {
    action();
  } catch (error) {
    if (error instanceof UsageError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('it was not refused');
}
