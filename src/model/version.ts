/** The version of this package. Not read from package.json, which a bundle does not have; a test compares them. */
export const version = '0.1.0';
