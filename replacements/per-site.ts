import type { Site } from '../harness/index.js';

/**
 * A function of a site that is computed once a site, however many arms ask: twenty fractions share one encoding and
 * one simulation. The result is forgotten with the site; a failure is forgotten at once, so that asking again tries again.
 */
export function perSite<T>(
  compute: (site: Site, signal: AbortSignal) => Promise<T>,
): (site: Site, signal: AbortSignal) => Promise<T> {
  const known = new WeakMap<Site, Promise<T>>();
  return (site, signal) => {
    const found = known.get(site);
    if (found) return found;
    const made = compute(site, signal);
    known.set(site, made);
    made.catch(() => known.delete(site));
    return made;
  };
}
