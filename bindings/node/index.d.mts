import type dog from './index.js';

export * from './index.js';
declare const all: typeof dog.default;
export default all;
