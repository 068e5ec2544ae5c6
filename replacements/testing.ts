/** The replacements' door for tests of other rooms: small seeded coders, and their arithmetic written out plainly. */
export { largestGap, tinyCoder } from './testing/coders.js';
