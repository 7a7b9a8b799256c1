/** Schemas at run time, for validation and documentation. Browsers import the package root instead: types and constants only. */
export * from './live.ts'
export * from './proof.ts'
export * from './rest.ts'
