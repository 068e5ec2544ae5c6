/**
 * `Promise.all` that waits: when an error reaches the caller nothing of this is still under way, so that what the work
 * writes to can be closed.
 * @throws the error of the first, in the order given, that failed
 */
export async function settleAll<T extends readonly unknown[] | []>(
  work: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
