/** The replacements' door for tests of other rooms: small seeded coders, and their arithmetic written out plainly. */
export { drawn, largestGap, plainDecode, plainEncode, rowsOf, tinyCoder, weightsOf } from './testing/coders.js';
