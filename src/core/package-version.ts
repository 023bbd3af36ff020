/** The version of this package: written here by `npm run release-version`, so that it holds in a bundle too. */
export const packageVersion = '0.1.0';
