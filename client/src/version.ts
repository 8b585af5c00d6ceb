/** This package's version, as it is told to the server for its log. */
export const clientVersion = '0.1.0'
