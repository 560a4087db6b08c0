/** Name and version of this product. A test compares the version with package.json. */
export const version = '0.1.0';
